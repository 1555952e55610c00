"""Says in words how a process ended; every driver's verdict uses the same ones."""

from __future__ import annotations

import signal
from typing import Final

SHELL_SIGNAL_BASE: Final = 128
"""Shells, and programs that clean up first, report signal N as exit code 128 + N."""


def how_it_died(exit_code: int | None) -> str:
    """A verb phrase: ``exited with code 2``, ``was ended by SIGKILL``."""
    if exit_code is None:
        return "could not be started"
    if exit_code < 0:
        return f"was ended by {_signal_name(-exit_code)}"
    if exit_code > SHELL_SIGNAL_BASE:
        return f"exited with code {exit_code} ({_signal_name(exit_code - SHELL_SIGNAL_BASE)})"
    return f"exited with code {exit_code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
