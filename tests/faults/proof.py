"""What must hold after a fault: nothing lost, nothing twice, nothing left behind.

Each check raises an `AssertionError` that says what was lost.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from faults.blows import agents_of
from faults.site import SETUP_TAG
from support.files import below
from support.history import git
from support.waiting import until

if TYPE_CHECKING:
    from faults.trial import Trial

TIDY_S: Final = 30.0
_TOLD: Final = re.compile(r"^(begin|tick|end) (\w+) (\d+)(?: ([\d.]+))?$")
_TURNS: Final = frozenset({"job.claimed", "job.requeued", "job.finished"})
_KEPT_ON_DISK: Final = frozenset({"runner killed", "host killed"})


@dataclass(slots=True)
class Run:
    """What one run of the agent has said, by the log. ``step`` is where it began, ``up`` when."""

    attempt: int
    step: int
    up: float
    ticks: list[int] = field(default_factory=list)
    end: int | None = None


def steps_saved(trial: Trial) -> int:
    """How many steps the server holds of the card's open job, each byte for byte."""
    rows = trial.site.rows(
        "SELECT checkpoint_sha, head_sha FROM jobs WHERE card_id = ? ORDER BY id DESC LIMIT 1",
        trial.card,
    )
    saved = next((sha for row in rows for sha in row if sha is not None), None)
    if saved is None:
        return 0
    found = _steps(trial, saved)
    wanted = {f"{trial.tag}/{step}.step": _blob(step) for step in range(1, len(found) + 1)}
    assert found == wanted, f"the checkpoint {saved} has {sorted(found)}, or other bytes"
    return len(found)


def after_work(trial: Trial) -> None:
    """Everything that must hold once the card is in review."""
    board, site = trial.site.board, trial.site
    _require_idle(trial)
    for job_id, spent in site.rows("SELECT id, spent FROM jobs WHERE card_id = ?", trial.card):
        runs = runs_in(board.log(job_id))
        require_counts(runs)
        _require_spooled(trial, job_id, runs)
        _require_nothing_begun_anew(trial, runs)
        _require_one_at_a_time(trial, job_id)
        may_spend = any(struck.blow.spends for struck in trial.told.struck)
        assert may_spend or not spent, f"{spent} attempts were spent"
    _require_steps(trial, board.card(trial.card)["branch_name"])
    trial.main_before = git(site.internal, "rev-parse", "refs/heads/main")


def after_merge(trial: Trial) -> None:
    """Everything that must hold once the card is done."""
    site = trial.site
    _require_idle(trial)
    _require_steps(trial, "main")
    made = git(site.internal, "rev-list", "--first-parent", f"{trial.main_before}..main").split()
    assert len(made) == 1, f"main has {len(made)} new commits instead of one"
    card = site.board.card(trial.card)
    assert (card["status"], card["merged_sha"]) == ("done", made[0])


def runs_in(entries: list[dict[str, Any]]) -> dict[str, Run]:
    """The runs of the agent in a log, whose numbers must be without a gap."""
    numbers = [entry["seq"] for entry in entries]
    assert numbers == list(range(1, len(numbers) + 1)), "the log's numbers have a gap"
    runs: dict[str, Run] = {}
    for entry in entries:
        found = _TOLD.match(entry["text"])
        if entry["kind"] != "stdout" or found is None:
            continue
        kind, name, number = found[1], found[2], int(found[3])
        if kind == "begin":
            assert name not in runs, f"run {name} begins twice in the log"
            runs[name] = Run(entry["attempt"], number, float(found[4]))
        elif kind == "tick":
            runs[name].ticks.append(number)
        else:
            runs[name].end = number
    return runs


def require_counts(runs: dict[str, Run]) -> None:
    for name, run in runs.items():
        wanted = list(range(1, len(run.ticks) + 1))
        assert run.ticks == wanted, f"run {name} lacks or doubles entries: {run.ticks}"
        assert run.end in (None, len(run.ticks)), f"run {name} ended at {run.end}: {run.ticks}"


def _require_spooled(trial: Trial, job_id: str, runs: dict[str, Run]) -> None:
    """What a runner had written down before it was killed arrives, unless its attempt was lost."""
    states = dict(trial.site.rows("SELECT attempt, state FROM attempts WHERE job_id = ?", job_id))
    for struck in trial.told.struck:
        if struck.blow.name not in _KEPT_ON_DISK:
            continue
        for name, count in struck.spooled.items():
            run = runs.get(name)
            if run is not None and states[run.attempt] != "lost":
                assert len(run.ticks) >= count, (
                    f"run {name}: {count} on disk, {run.ticks} in the log"
                )


def _require_nothing_begun_anew(trial: Trial, runs: dict[str, Run]) -> None:
    """A run that begins after a fault stands at what was saved before it."""
    for struck in trial.told.struck:
        for name, run in runs.items():
            if run.up > struck.up:
                assert run.step >= struck.saved, (
                    f"run {name} begins at step {run.step}, but {struck.saved} were saved when "
                    f"“{struck.blow.name}” came"
                )


def _require_one_at_a_time(trial: Trial, job_id: str) -> None:
    """Between two claims of a job it was given back, and it ended once."""
    rows = trial.site.rows("SELECT type, data FROM events WHERE family = 'job_status' ORDER BY id")
    story = [kind for kind, data in rows if json.loads(data)["job"]["id"] == job_id]
    require_turns([kind for kind in story if kind in _TURNS])


def require_turns(story: Sequence[str]) -> None:
    """A job is claimed, given back, claimed, …, and finished at last, once."""
    for earlier, later in itertools.pairwise(story):
        assert (earlier == "job.claimed") != (later == "job.claimed"), f"it was told: {story}"
    assert story.count("job.finished") == 1, f"it was told: {story}"
    assert story[-1] == "job.finished", f"it was told: {story}"


def _require_steps(trial: Trial, branch: str) -> None:
    """Every step is on the branch, byte for byte."""
    from faults.trial import STEPS

    found = _steps(trial, f"refs/heads/{branch}")
    wanted = {f"{trial.tag}/{step}.step": _blob(step) for step in range(1, STEPS + 1)}
    assert found == wanted, f"{branch} has {sorted(found)}"


def _steps(trial: Trial, commit: str) -> dict[str, str]:
    """The blobs of the steps in a commit, by path."""
    listed = git(trial.site.internal, "ls-tree", "-r", commit, f"{trial.tag}/")
    words = (line.split(maxsplit=3) for line in listed.splitlines())
    return {path: sha for _, _, sha, path in words if path.endswith(".step")}


@lru_cache
def _blob(step: int) -> str:
    """The object id of a step's content."""
    from faults.trial import LINES

    text = f"step {step}\r\n" + "".join(f"{line}\n" for line in range(1, LINES + 1))
    return git(
        Path("/"), "hash-object", "-t", "blob", "--no-filters", "--stdin", stdin=text.encode()
    )


def _require_idle(trial: Trial) -> None:
    """No lease, no intent, no process, no tree, no outbox, no lock is left."""
    try:
        until(
            lambda: next(left_behind(trial), None) is None, "all is tidy", seconds=TIDY_S, every=0.1
        )
    except AssertionError:
        left = list(left_behind(trial))
        raise AssertionError(f"left behind after {TIDY_S:g} s: {left}") from None


def left_behind(trial: Trial) -> Iterator[str]:
    """What should be gone by now; what is quickly looked for comes first."""
    trial.site.tend()
    for what, query in _IN_DATABASE.items():
        yield from (f"{what} {row[0]}" for row in trial.site.rows(query, trial.card))
    for runner in trial.site.crew:
        yield from (f"tree {tree}" for tree in runner.trees() if trial.card in tree.name)
        yield from (f"outbox {name}" for name in runner.names() if name.endswith(".jsonl"))
    for path in below(trial.site.internal):
        if path.name.endswith(".lock") or path.name.startswith(("incoming-", "tmp_")):
            yield f"git's {path}"
    for tag in (trial.tag, SETUP_TAG):
        yield from (f"process {process}" for process in agents_of(tag))


_IN_DATABASE: Final = {
    "lease": "SELECT a.attempt FROM attempts a JOIN jobs j ON j.id = a.job_id "
    "WHERE j.card_id = ? AND a.state = 'live'",
    "intent": "SELECT operation FROM intents WHERE card_id = ?",
    "busy runner": "SELECT r.name FROM runners r JOIN jobs j ON j.id = r.current_job_id "
    "WHERE j.card_id = ?",
}
