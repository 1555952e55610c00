"""Names of images, and what counts of defaults and choices."""

from __future__ import annotations

import pytest

from lazyaf.domain.containers import IMAGE_MAX, Containers, choose, is_image


@pytest.mark.parametrize(
    "name",
    [
        "lazyaf-runner:latest",
        "python",
        "registry.example.com:5000/team/app_x:1.2-slim",
        "localhost/app__y",
        f"app@sha256:{'0' * 64}",
        f"sha256:{'a' * 64}",
    ],
)
def test_names_of_images(name: str) -> None:
    assert is_image(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", " app", "app latest", "App", "../containers", "a//b", "app?x=1", "-v", "app:", "a\n"),
        "a" * (IMAGE_MAX + 1),
    ],
)
def test_what_can_be_no_name_of_an_image(name: str) -> None:
    assert not is_image(name)


def test_a_choice_counts_until_it_is_taken_back() -> None:
    chosen = choose({"cpus": 1.0, "memory_mb": 512}, {"memory_mb": None, "pids": 100})
    assert chosen == {"cpus": 1.0, "pids": 100}
    made = Containers("app", memory_mb=300, cpus=4).with_chosen(chosen)
    assert made == Containers("app", memory_mb=300, cpus=1.0, pids=100)
