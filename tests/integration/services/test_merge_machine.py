"""No interleaving of pushes, approvals, verdicts, settings and restarts merges what nobody approved or what
failed its checks.

Real SQLite and real git; the oracle reads only where git says that the base branch has been and what is on it,
and knows only what people and runners have said. Wherever the branch has been either a person pushed it or its
tree has passed; each commit of the server's on the way is a card that was approved, and no tree that failed. A
restart forgets everything that is in memory, in the midst of a merge as well.
"""

from __future__ import annotations

from pathlib import Path

from machines.merges.machine import MergeMachine
from machines.scene_machine import play


def test_nothing_is_merged_that_was_not_approved_and_checked(migrated_file: Path) -> None:
    play(MergeMachine, migrated_file, examples=25, steps=30)
    assert MergeMachine.merged_together > 5
