"""What a test needs of the machine. Without it the test says so and is skipped, but never in CI."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def untestable(reason: str) -> NoReturn:
    """Skip the test for this reason; with ``CI=true`` fail it, because nobody would test it then."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
