"""The cache of facts about two commits."""

from __future__ import annotations

from lazyaf.git.reader import PairCache


def test_the_least_used_answer_is_forgotten_first() -> None:
    cache: PairCache[int] = PairCache(2)
    cache.put("a", "b", 1)
    cache.put("c", "d", 2)
    assert cache.get("a", "b") == 1
    cache.put("e", "f", 3)
    assert cache.get("c", "d") is None
    assert cache.get("a", "b") == 1
    assert cache.get("b", "a") is None


def test_an_answer_is_computed_once() -> None:
    cache: PairCache[int] = PairCache(2)
    asked: list[int] = []

    def answer() -> int:
        asked.append(1)
        return 0

    assert [cache.compute("a", "b", answer) for _ in range(3)] == [0, 0, 0]
    assert asked == [1]
