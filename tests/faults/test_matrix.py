"""A seeded sample of the crash matrix. `make faults` plays a thousand faults of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faults.campaign import play
from faults.trial import plans

SEED = os.environ.get("LAZYAF_FAULTS_SEED", "sample")
TRIALS = 48
PARTS = 6
FEWEST = 6
"""Faults that must really have fallen in a part: a moment may pass before its trap is set."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_breaks_nothing_is_lost(machine: None, part: int, tmp_path: Path) -> None:
    told = play(tmp_path, plans(SEED, TRIALS)[part::PARTS])

    assert not (lost := [each for each in told if each.losses]), "\n".join(map(str, lost))
    assert sum(len(each.struck) for each in told) >= FEWEST
