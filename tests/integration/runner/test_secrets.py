"""No secret of a job is in anything that the runner tells of it."""

from __future__ import annotations

from unittest.mock import AsyncMock

import pytest

from factories.runner_rig import HOST_ENV, Rig
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.messages import Limits
from lazyaf.runner import attempt
from lazyaf.runner.redaction import PIECE_MIN
from lazyaf.runner.setup import SetupFailed


async def test_no_secret_is_in_what_a_failed_setup_says(rig: Rig) -> None:
    secret, chosen = "hunter2-hunter2-hunter2", "npm-0123456789abcdef"
    setup = 'printf "%0390d$SECRET\\n" 0; echo "$NPM_TOKEN"; exit 1'  # cut in the middle of it
    env = {**HOST_ENV, "LAZYAF_AGENT_ENV": "NPM_TOKEN", "NPM_TOKEN": chosen}
    job = rig.job("true", setup=setup, setup_env={"SECRET": secret})
    ledger = await rig.work(job, host_env=env)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.SETUP_FAILED
    for told in (str(ledger.finish.error), "".join(e.model_dump_json() for e in ledger.entries)):
        assert "[redacted]" in told
        assert secret[:8] not in told
        assert chosen not in told


async def test_no_secret_is_in_an_error_wherever_it_comes_from(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rig.job("true", setup="true", setup_env={"SECRET": "hunter2-hunter2"})
    failing = AsyncMock(side_effect=SetupFailed("It said hunter2-hunter2."))
    monkeypatch.setattr(attempt, "run_setup", failing)
    ledger = await rig.work(job)

    assert ledger.finish is not None
    assert ledger.finish.error == "It said [redacted]."


async def test_no_secret_is_in_base64_over_several_lines(rig: Rig) -> None:
    secret = "sk-ant-api03-" + "".join(f"{n:02x}Zq{n * 7919 % 997:03d}" for n in range(14))
    script = 'printf %s "$API_TOKEN" | base64; printf "key: $API_TOKEN" | base64 -w 30 >&2'
    ledger = await rig.work(rig.job(script, env={"API_TOKEN": secret}))

    for lines in (ledger.texts("stdout"), ledger.texts("stderr")):
        assert "[redacted]" in lines[0]
        left = "".join(lines).replace("[redacted]", "").replace("=", "")
        assert len(left) < len("a2V5OiB") + PIECE_MIN, "more than a few characters of the last line"


async def test_no_secret_is_in_what_a_checkpoint_notes(rig: Rig) -> None:
    script = (
        "echo '*.log' > .gitignore; touch $API_TOKEN.log; "
        "until test -e stop; do sleep 0.05; done; rm stop"
    )
    limits = Limits(checkpoint_s=0.1, cancel_grace_s=5)
    job = rig.job(script, env={"API_TOKEN": "hunter2-hunter2"}, limits=limits)
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: any(each.notes for each in ledger.checkpoints))
        (rig.tree / "stop").touch()

    notes = "".join(note for each in ledger.checkpoints for note in each.notes)
    assert "[redacted].log" in notes
    assert "hunter2" not in notes


async def test_secrets_are_for_setup_and_are_not_shown(rig: Rig) -> None:
    job = rig.job(
        'echo "agent has ${TOKEN-none}"',
        setup='echo "setup has $TOKEN"',
        setup_env={"TOKEN": "a-private-registry"},
    )
    ledger = await rig.work(job)

    assert ledger.texts("stdout") == ["setup has [redacted]", "agent has none"]
