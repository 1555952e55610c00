"""Attached files at the agent's: there to be read, out of the sight of git, gone with the tree."""

from __future__ import annotations

import hashlib
import stat
from typing import Any

import pytest

from factories.runner_rig import Rig
from fakes.runner_state import REPO, Failure
from lazyaf.domain.jobs import JobKind, StopReason
from lazyaf.protocol.messages import CheckTask, JobAttachment
from lazyaf.runner.sandbox import Unsandboxed

WORDS = b"what the agent shall read\n"


def attached(rig: Rig, key: str, content: bytes = WORDS, **changes: Any) -> JobAttachment:
    """A file that the server has for the card."""
    rig.server.attachments[key] = content
    known = {
        "id": key,
        "name": key,
        "media_type": "text/plain",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return JobAttachment.model_validate({**known, **changes})


async def test_the_agent_reads_them_and_git_never_sees_them(rig: Rig) -> None:
    files = [attached(rig, "spec 1.txt"), attached(rig, "raw.bin", bytes(range(256)) * 4000)]
    ledger = await rig.work(
        rig.job(
            'cat "$CARD_ATTACHMENTS/spec 1.txt"; sha256sum < "$CARD_ATTACHMENTS/raw.bin";'
            ' echo x > "$CARD_ATTACHMENTS/spec 1.txt"; rm -f "$CARD_ATTACHMENTS/raw.bin";'
            " git status --short --ignored; echo done > made.txt",
            attachments=files,
        )
    )
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert ledger.texts("stdout") == [WORDS.decode().strip(), f"{files[1].sha256}  -"]
    assert any("Read-only" in text for text in ledger.texts("stderr"))
    changed = await rig.server.storage.git(
        REPO, ["diff", "--name-only", rig.base, str(ledger.finish.head_sha)]
    )
    assert changed.text == "made.txt"
    (prompt,) = ledger.texts("user")
    assert (
        f"- `{rig.tree.parent}/attachments/spec 1.txt` (text/plain, {len(WORDS)} bytes)" in prompt
    )
    assert not rig.tree.parent.exists()


async def test_they_are_read_only_where_nothing_shuts_the_agent_in(rig: Rig) -> None:
    rig.sandbox = Unsandboxed("for a test")
    ledger = await rig.work(
        rig.job(
            'stat -c %a "$CARD_ATTACHMENTS" "$CARD_ATTACHMENTS"/*', attachments=[attached(rig, "a")]
        )
    )
    assert ledger.texts("stdout") == ["555", "444"]
    assert not rig.tree.parent.exists()


async def test_one_that_was_removed_meanwhile_is_told_and_left_out(rig: Rig) -> None:
    files = [attached(rig, "gone.txt"), attached(rig, "here.txt")]
    del rig.server.attachments["gone.txt"]
    ledger = await rig.work(rig.job('ls "$CARD_ATTACHMENTS"', attachments=files))
    assert ledger.texts("stdout") == ["here.txt"]
    assert "“gone.txt” was removed from the card; the agent goes without it." in ledger.texts(
        "system"
    )
    assert "gone.txt" not in ledger.texts("user")[0]


@pytest.mark.parametrize("how", ["lost", "damaged", "hostile name", "one name twice"])
async def test_without_one_that_cannot_be_had_the_agent_does_not_begin(rig: Rig, how: str) -> None:
    files = [attached(rig, "spec.txt")]
    if how == "lost":
        body = {"code": "file_missing", "detail": "It is not on the disk."}
        rig.server.failures.append(Failure("attachments/spec.txt", 404, body=body))
    elif how == "damaged":
        rig.server.attachments["spec.txt"] = b"something else"
    elif how == "hostile name":
        files = [attached(rig, "x", name="../../job.json")]
    else:
        files.append(attached(rig, "y", name="SPEC.txt"))
    ledger = await rig.work(rig.job("echo begun", attachments=files))
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.SETUP_FAILED
    assert "attached file" in (ledger.finish.error or "")
    assert ledger.texts("stdout") == []


async def test_a_broken_connection_is_tried_again(rig: Rig) -> None:
    rig.server.failures.append(Failure("attachments/spec.txt", 503, times=2))
    ledger = await rig.work(
        rig.job('cat "$CARD_ATTACHMENTS/spec.txt"', attachments=[attached(rig, "spec.txt")])
    )
    assert ledger.texts("stdout") == [WORDS.decode().strip()]


async def test_setup_and_checks_see_none(rig: Rig) -> None:
    look = 'echo "[$CARD_ATTACHMENTS]"; ls -d ../attachments 2>&1'
    files = [attached(rig, "spec.txt")]
    ledger = await rig.work(rig.job("true", setup=look, attachments=files))
    assert ledger.texts("stdout")[0] == "[]"
    assert "No such file" in ledger.texts("stdout")[1]
    check = CheckTask(name="look", run=look, timeout_s=60)
    checks = rig.job("", kind=JobKind.CHECK, checks=[check], attachments=files)
    ledger = await rig.work(checks)
    assert not rig.server.was_asked(f"{checks.job_id}/attachments/spec.txt")
    assert ledger.texts("stdout")[0] == "[]"


async def test_an_attempt_that_goes_on_gets_what_the_card_has_now(rig: Rig) -> None:
    old = rig.tree.parent / "attachments"
    ledger = await rig.work(
        rig.job('ls "$CARD_ATTACHMENTS"', attachments=[attached(rig, "first.txt")])
    )
    old.mkdir(parents=True)
    (old / "stale.txt").write_text("of an earlier attempt")
    old.chmod(stat.S_IRUSR | stat.S_IXUSR)
    ledger = await rig.work(
        rig.job('ls "$CARD_ATTACHMENTS"', attachments=[attached(rig, "second.txt")])
    )
    assert ledger.texts("stdout") == ["second.txt"]
