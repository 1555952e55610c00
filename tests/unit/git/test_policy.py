"""Who may push what, and what git is told about it."""

from __future__ import annotations

import pytest

from lazyaf.git.pktline import ZERO, PushRequest
from lazyaf.git.policy import PushPolicy

ONE, TWO = "1" * 40, "2" * 40
JOB = PushPolicy(own_prefix="refs/lazyaf/jobs/j/1/")
LOST = PushPolicy(own_prefix="refs/lazyaf/jobs/j/orphan/1", create_only=True)
PERSON = PushPolicy(protected=("main", "release/*"))


def judged(policy: PushPolicy, ref: str, old: str = ZERO, new: str = ONE) -> str | None:
    own = policy.own_prefix or "refs/heads/"
    fine = (ZERO, ONE, f"{own}fine" if own.endswith("/") else own)
    return policy.judge(PushRequest((fine, (old, new, ref)), frozenset()))


@pytest.mark.parametrize(
    ("policy", "ref", "old", "new"),
    [
        (PERSON, "refs/heads/topic", ZERO, ONE),
        (PERSON, "refs/heads/topic", ONE, ZERO),
        (PERSON, "refs/heads/main2", ONE, TWO),
        (PERSON, "refs/tags/v1", ZERO, ONE),
        (PERSON, "refs/heads/\U0001f469\u200d\U0001f4bb", ZERO, ONE),
        (PERSON, "refs/heads/\U0001fae8", ZERO, ONE),
        (JOB, "refs/lazyaf/jobs/j/1/head", ONE, TWO),
        (LOST, "refs/lazyaf/jobs/j/orphan/1", ZERO, ONE),
    ],
)
def test_allowed(policy: PushPolicy, ref: str, old: str, new: str) -> None:
    assert judged(policy, ref, old, new) is None


@pytest.mark.parametrize(
    ("policy", "ref", "old", "new", "words"),
    [
        (PERSON, "refs/heads/main", ONE, TWO, "protected branch main: approve the card"),
        (PERSON, "refs/heads/release/1", ZERO, ONE, "protected branch release/1"),
        (PERSON, "refs/lazyaf/jobs/j/1/head", ZERO, ONE, "only branches and tags"),
        (PERSON, "refs/heads/\udcff", ZERO, ONE, "readable UTF-8"),
        (PERSON, "refs/heads/main\u200b", ZERO, ONE, "readable UTF-8"),
        (PERSON, "refs/heads/\u202eniam", ZERO, ONE, "readable UTF-8"),
        (PERSON, "refs/heads/a\u2028b", ZERO, ONE, "readable UTF-8"),
        (PERSON, "refs/heads/a\u0085b", ZERO, ONE, "readable UTF-8"),
        (JOB, "refs/heads/lazyaf/1-x", ZERO, ONE, "protected branch lazyaf/1-x"),
        (JOB, "refs/lazyaf/jobs/j/2/head", ZERO, ONE, "only below refs/lazyaf/jobs/j/1/"),
        (JOB, "refs/lazyaf/jobs/j/1", ZERO, ONE, "only below"),
        (JOB, "refs/tags/v1", ZERO, ONE, "only below"),
        (JOB, "refs/lazyaf/jobs/j/1/head", ONE, ZERO, "deletes nothing"),
        (LOST, "refs/lazyaf/jobs/j/orphan/1", ONE, TWO, "only new refs"),
        (LOST, "refs/lazyaf/jobs/j/orphan/1/head", ZERO, ONE, "the lease of this job is lost"),
        (LOST, "refs/lazyaf/jobs/j/orphan/12", ZERO, ONE, "the lease of this job is lost"),
        (LOST, "refs/lazyaf/jobs/j/1/head", ZERO, ONE, "the lease of this job is lost"),
    ],
)
def test_refused(policy: PushPolicy, ref: str, old: str, new: str, words: str) -> None:
    sentence = judged(policy, ref, old, new)
    assert sentence is not None
    assert words in sentence


def test_own_refs_are_unhidden_last() -> None:
    hidden = [value for key, value in JOB.settings("/h") if key == "transfer.hideRefs"]
    assert hidden == ["refs", "!refs/heads", "!refs/tags", "!refs/lazyaf/jobs/j"]
    assert [v for k, v in PERSON.settings("/h") if k == "transfer.hideRefs"] == hidden[:3]


def test_only_people_bring_old_histories() -> None:
    assert ("receive.fsck.badTimezone", "warn") in PERSON.settings("/h")
    assert not any(key.startswith("receive.fsck.") for key, _ in JOB.settings("/h"))
