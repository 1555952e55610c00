"""What the crash matrix needs of the machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from faults.disk import can_mount
from faults.site import Clock
from support.tools import untestable


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here runs agents in the sandbox."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("bubblewrap")


@pytest.fixture
def machine(tmp_path: Path) -> None:
    """bubblewrap, libfaketime and file systems of our own; in CI their absence is a failure."""
    missing = [] if shutil.which("bwrap") else ["bubblewrap is not installed"]
    if not can_mount():
        missing.append("file systems cannot be mounted here (that takes root)")
    if not Clock(tmp_path / "clock").can_jump:
        missing.append("libfaketime is not installed (the faketime package)")
    if missing:
        untestable("; ".join(missing))
