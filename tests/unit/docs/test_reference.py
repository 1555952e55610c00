"""The reference pages are complete: whatever the code has is in them, and nothing that it has not."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from lazyaf import cli
from lazyaf.domain import errors
from lazyaf.domain.errors import LazyafError
from lazyaf.domain.events import EventType, family_of
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.queue import HeldBy
from lazyaf.domain.repo_settings import NAMES
from lazyaf.protocol import PREFIX
from lazyaf.protocol.entries import EntryKind
from lazyaf.services.settings import DEFAULTS
from lazyaf.settings import Settings
from lazyaf.web.openapi import document

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
PREFIX_OF_VARIABLES = "LAZYAF_"
CODE = re.compile(r"""code=["']([a-z_]+)["']""")
OTHER_CODES = {"method_not_allowed", "http_error", "no_ui"}
"""Made by the transport without an exception of ours."""


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def rows(name: str) -> dict[str, list[str]]:
    """The rows of a page's tables: their cells, by each code word in the first one."""
    found: dict[str, list[str]] = {}
    for line in page(name).splitlines():
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for word in re.findall(r"`([^`]+)`", cells[0]):
            found.setdefault(word, cells)
    return found


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_its_row(name: str) -> None:
    row = rows("settings.md").get(f"{PREFIX_OF_VARIABLES}{name.upper()}")
    assert row is not None, f"docs/reference/settings.md lacks {name}"
    assert len(row) == 3, "a setting's row says variable, default and meaning"
    assert all(row)


@pytest.mark.parametrize(
    ("name", "default"),
    [
        (name, field.default)
        for name, field in Settings.model_fields.items()
        if isinstance(field.default, str | int | float)
    ],
)
def test_the_default_of_a_setting_is_the_real_one(name: str, default: object) -> None:
    row = rows("settings.md")[f"{PREFIX_OF_VARIABLES}{name.upper()}"]
    assert row[1] == f"`{default}`"


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_server_setting_has_its_row(name: str) -> None:
    assert name in rows("settings.md")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "trusted"])
def test_every_repository_setting_has_its_row(name: str) -> None:
    cells = [cell for row in rows("config-file.md").values() for cell in row]
    assert f"`{name}`" in cells


@pytest.mark.parametrize("kind", EventType)
def test_every_event_type_has_its_row(kind: EventType) -> None:
    row = rows("events.md").get(kind.value)
    assert row is not None, f"docs/reference/events.md lacks {kind.value}"
    assert row[1] == f"`{family_of(kind)}`"
    assert re.fullmatch(r"`\{[a-z_, ]+\}`", row[2]), "the third cell says what the data holds"


def test_no_event_type_is_made_up() -> None:
    told = {word for word in rows("events.md") if re.fullmatch(r"[a-z]+\.[a-z_]+", word)}
    assert told == {kind.value for kind in EventType}


def _error_classes() -> list[type[LazyafError]]:
    found = [c for _, c in inspect.getmembers(errors, inspect.isclass)]
    return [c for c in found if issubclass(c, LazyafError)]


@pytest.mark.parametrize("error", _error_classes(), ids=lambda error: error.__name__)
def test_every_error_class_has_its_row(error: type[LazyafError]) -> None:
    row = rows("errors.md").get(error.code)
    assert row is not None, f"docs/reference/errors.md lacks {error.code}"
    assert row[1] == str(error.status)
    assert row[2] == f"`{error.__name__}`"


def test_every_precise_code_is_told_and_none_is_made_up() -> None:
    sources = (ROOT / "src" / "lazyaf").rglob("*.py")
    raised = {code for source in sources for code in CODE.findall(source.read_text("utf-8"))}
    known = raised | OTHER_CODES | {error.code for error in _error_classes()}
    text = page("errors.md")
    assert [code for code in sorted(known) if f"`{code}`" not in text] == []
    told = {word for word in rows("errors.md") if re.fullmatch(r"[a-z_]+", word)}
    assert told - known == set()


@pytest.mark.parametrize("reason", StopReason)
def test_every_stop_reason_has_its_row(reason: StopReason) -> None:
    assert reason.value in rows("runner-protocol.md")


@pytest.mark.parametrize("held_by", HeldBy)
def test_everything_that_holds_a_job_has_its_row(held_by: HeldBy) -> None:
    assert held_by.value in rows("http-api.md")


def test_every_kind_of_entry_is_told() -> None:
    kinds = " ".join(kind.value for kind in EntryKind)
    assert f"`{kinds}`" in page("runner-protocol.md")


def _commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that is not hidden, with its full name."""

    def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        yield name, command
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=name)
            for child in command.list_commands(context):
                found = command.get_command(context, child)
                assert found is not None
                if not found.hidden:
                    yield from walk(f"{name} {child}", found)

    yield from walk("lazyaf", cli.main)


COMMANDS = dict(_commands())
CLIENT_OPTIONS = {"--server", "--json"}
"""Told once, for all the commands that ask a server."""


def _is_client(command: click.Command) -> bool:
    return {option for p in command.params for option in p.opts} >= CLIENT_OPTIONS


def _section(command: str) -> str:
    """What cli.md says of a command: from its heading to the next."""
    parts = re.split(r"^#+ (.+)$", page("cli.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(f"`{command}`", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section_with_every_option_and_argument(name: str) -> None:
    section = _section(name)
    assert section, f"docs/reference/cli.md has no heading for {name}"
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Argument):
            assert parameter.human_readable_name.upper().strip("[].") in section
        elif not getattr(parameter, "hidden", False):
            told_once = CLIENT_OPTIONS if _is_client(COMMANDS[name]) else set()
            for option in {*parameter.opts, *parameter.secondary_opts} - told_once:
                assert f"`{option}" in section, f"{name} {option} is not in docs/reference/cli.md"


def test_what_every_client_command_takes_is_told() -> None:
    told = page("cli.md").partition("## Client commands")[2].partition("\n## ")[0]
    assert {option for option in CLIENT_OPTIONS if f"| `{option}` |" in told} == CLIENT_OPTIONS


def test_no_command_and_no_option_is_made_up() -> None:
    told = set(re.findall(r"^#+ `(lazyaf[^`]*)`\s*$", page("cli.md"), flags=re.MULTILINE))
    assert told - set(COMMANDS) == set()
    for name in told:
        known = {o for p in COMMANDS[name].params for o in (*p.opts, *p.secondary_opts)}
        listed = re.findall(r"^\|\s*`(-[^`\s]+)", _section(name), flags=re.MULTILINE)
        assert set(listed) - known - {"-h", "--help"} == set(), name


def test_every_endpoint_has_its_row_and_none_is_made_up() -> None:
    described = {
        f"{method.upper()} {path}"
        for path, methods in json.loads(document())["paths"].items()
        for method in methods
        if not path.startswith(PREFIX)
    }
    told = {word for word in rows("http-api.md") if re.match(r"[A-Z]+ /", word)}
    assert told == described


def test_every_endpoint_of_the_runner_protocol_is_told() -> None:
    text = page("runner-protocol.md")
    for path in json.loads(document())["paths"]:
        if path.startswith(PREFIX):
            last = path.removeprefix(f"{PREFIX}/").replace("{job_id}", "{id}")
            assert re.search(rf"`(?:GET|POST) (?:…|{PREFIX})/{re.escape(last)}(?![\w/])", text), (
                path
            )


def test_every_metric_has_its_row_and_none_is_made_up() -> None:
    source = (ROOT / "src/lazyaf/web/routers/system.py").read_text("utf-8")
    told = {word for word in rows("metrics.md") if word.startswith("lazyaf_")}
    assert told == set(re.findall(r'"(lazyaf_[a-z_]+)"', source)) != set()
