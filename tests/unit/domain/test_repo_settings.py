"""``.lazyaf/config.toml`` and the settings of a person: what is taken, what is refused, who wins."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazyaf.domain import repo_settings
from lazyaf.domain.errors import Invalid
from lazyaf.domain.repo_settings import RepoSettings, effective, parse_config

FULL = """
agent = "script"
branch_prefix = "bots/lazyaf"
[limits]
job = "90m"
idle = "30s"
setup = 45
wip = 3
fix_rounds = 2
[setup]
run = "npm ci"
[[checks]]
name = "tests"
run = "npm test"
timeout = "5m"
[sandbox]
allow = ["api.example.com:443"]
image = "registry.example.com/team/app:1"
"""


def test_a_full_file() -> None:
    assert parse_config(FULL) == {
        "agent": "script",
        "branch_prefix": "bots/lazyaf",
        "wip_limit": 3,
        "setup_command": "npm ci",
        "job_limit_s": 5400.0,
        "idle_limit_s": 30.0,
        "setup_limit_s": 45.0,
        "allowed_hosts": ["api.example.com:443"],
        "image": "registry.example.com/team/app:1",
        "checks": [{"name": "tests", "run": "npm test", "timeout_s": 300.0}],
        "fix_rounds": 2,
    }


def test_an_empty_file_says_nothing() -> None:
    assert parse_config("") == {}


def test_the_file_wins_over_the_person_and_the_person_over_the_default() -> None:
    found = effective({"agent": "a", "wip_limit": 1, "trusted": True}, {"agent": "b"}, agent="c")
    assert found == RepoSettings(agent="b", wip_limit=1, trusted=True)
    assert effective({}, {}, agent="c").agent == "c"


def test_trust_is_a_persons_alone_to_give() -> None:
    assert "trusted" not in parse_config("trusted = true\n[sandbox]\ntrusted = true")
    assert effective({}, {"trusted": True}).trusted is False


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("agent = 3", "agent"),
        ('agent = ""', "agent"),
        (f'agent = "{"a" * 41}"', "agent"),
        ('agent = "a\\u0000b"', "agent"),
        ('branch_prefix = "/x"', "branch_prefix"),
        ('branch_prefix = "x/"', "branch_prefix"),
        ('branch_prefix = "a..b"', "branch_prefix"),
        ('branch_prefix = "a.lock"', "branch_prefix"),
        ('branch_prefix = "a.lock/b"', "branch_prefix"),
        ('branch_prefix = "-a"', "branch_prefix"),
        ('branch_prefix = "lazyaf\\n"', "branch_prefix"),
        ("[limits]\nwip = 0", "limits.wip"),
        ('[sandbox]\nallow = "a:1"', "sandbox.allow"),
        ('[sandbox]\nallow = ["https://a"]', "sandbox.allow"),
        ('[sandbox]\nallow = ["127.0.0.1:80"]', "127.0.0.1:80: no container"),
        ('[sandbox]\nimage = "no image"', "sandbox.image"),
        ("[sandbox]\nimage = 1", "sandbox.image"),
        ("[limits]\nwip = true", "limits.wip"),
        ('[limits]\njob = "90"', "limits.job"),
        ('[limits]\njob = "90m\\n"', "limits.job"),
        ('[limits]\njob = "0s"', "limits.job"),
        ("[limits]\njob = nan", "limits.job"),
        ("[limits]\njob = inf", "limits.job"),
        ('[limits]\nidle = "999h"', "limits.idle"),
        ("[setup]\nrun = []", "setup.run"),
        ('[setup]\nrun = "a\\u0000b"', "setup.run"),
        ("limits = ", "TOML"),
        ("a = " + "[" * 20_000, "TOML"),
        ("[limits]\nwip = " + "9" * 5_000, "TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, names: str) -> None:
    with pytest.raises(Invalid, match=names) as refused:
        parse_config(text)
    fields = refused.value.extra.get("fields", {})
    assert all(isinstance(said, str) for said in fields.values())


@pytest.mark.parametrize("text", ["limits = 3", 'setup = "x"'])
def test_a_table_that_is_none_says_nothing(text: str) -> None:
    assert parse_config(text) == {}


@settings(deadline=None)
@given(st.text(max_size=400))
def test_no_text_is_a_crash(text: str) -> None:
    try:
        found = parse_config(text)
    except Invalid:
        return
    assert set(found) <= {f.name for f in dataclasses.fields(RepoSettings)}


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)


@settings(deadline=None)
@given(st.sampled_from(repo_settings.NAMES), values)
def test_a_checked_value_is_usable_and_a_refused_one_is_explained(name: str, value: Any) -> None:
    refused: Invalid | None = None
    found = None
    try:
        found = repo_settings.check(name, value, where=name)
    except Invalid as error:
        refused = error
    if refused is not None:
        assert refused.extra == {"fields": {name: refused.detail}}
    else:
        expected = dataclasses.replace(RepoSettings(), **{name: found})
        assert effective({name: found}, {}) == expected


def test_protection_adds_up() -> None:
    person = {"protected_branches": ["release/*"], "only_approve": True}
    file = {"protected_branches": ["stable", "release/*"], "only_approve": False}
    found = effective(person, file)
    assert found.protected("main") == ("main", "release/*", "stable")
    assert found.only_approve
    assert effective({}, {"only_approve": True}).only_approve
    assert effective({}, {}).protected("trunk") == ("trunk",)


def test_a_merge_method_is_one_of_three() -> None:
    assert parse_config('[merge]\nmethod = "squash"') == {"merge_method": "squash"}
    with pytest.raises(Invalid, match="squash"):
        parse_config('[merge]\nmethod = "octopus"')


@pytest.mark.parametrize(
    ("branch", "patterns", "is_so"),
    [
        ("main", ("main",), True),
        ("Main", ("main",), False),
        ("release/1/x", ("release/*",), True),
        ("release", ("release/*",), False),
        ("v1", ("v[0-9]",), True),
        ("main", (), False),
    ],
)
def test_patterns_of_branches(branch: str, patterns: tuple[str, ...], is_so: bool) -> None:
    assert repo_settings.is_protected(branch, patterns) is is_so
