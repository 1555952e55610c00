"""One look for all who ask in the same turn of the event loop."""

from __future__ import annotations

import asyncio

from lazyaf.git.together import Together

ONE, OTHER = "one", "other"


class Looks:
    """Notes what was looked for, and finds names that begin with “a”."""

    def __init__(self) -> None:
        self.made: list[tuple[str, set[str]]] = []
        self.error: Exception | None = None

    async def __call__(self, place: str, names: frozenset[str]) -> dict[str, str]:
        self.made.append((place, set(names)))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return {name: f"{place}/{name}" for name in names if name.startswith("a")}


async def test_those_who_ask_in_one_turn_share_a_look_and_get_their_own_answers() -> None:
    look = Looks()
    together = Together(look)
    found = await asyncio.gather(
        together.find(ONE, ["a1", "b1"]), together.find(ONE, ["a2"]), together.find(OTHER, ["a3"])
    )
    assert found == [{"a1": "one/a1"}, {"a2": "one/a2"}, {"a3": "other/a3"}]
    assert sorted(look.made) == [(ONE, {"a1", "b1", "a2"}), (OTHER, {"a3"})]


async def test_who_asks_while_one_looks_has_a_look_of_their_own() -> None:
    """It must see what was there when it was asked."""
    look = Looks()
    together = Together(look)
    first = asyncio.ensure_future(together.find(ONE, ["a1"]))
    await asyncio.sleep(0)  # it asks
    await asyncio.sleep(0)  # the look begins
    await together.find(ONE, ["a1"])
    await first
    assert look.made == [(ONE, {"a1"})] * 2


async def test_who_leaves_does_not_take_the_others_along() -> None:
    together = Together(Looks())
    leaves, stays = [asyncio.ensure_future(together.find(ONE, ["a1"])) for _ in range(2)]
    await asyncio.sleep(0)
    leaves.cancel()
    assert await stays == {"a1": "one/a1"}
    assert leaves.cancelled()


async def test_all_are_told_of_an_error_and_the_next_look_is_made_anew() -> None:
    look = Looks()
    together = Together(look)
    look.error = OSError("The disk is gone.")
    failed = await asyncio.gather(
        *(together.find(ONE, ["a1"]) for _ in range(2)), return_exceptions=True
    )
    assert [str(error) for error in failed] == ["The disk is gone."] * 2
    look.error = None
    assert await together.find(ONE, ["a1"]) == {"a1": "one/a1"}
