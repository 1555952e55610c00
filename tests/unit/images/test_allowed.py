"""What the proxy's helper answers: see images/egress/allowed.py."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

HELPER = Path(__file__).parents[3] / "images" / "egress" / "allowed.py"
_spec = importlib.util.spec_from_file_location("allowed", HELPER)
assert _spec is not None
assert _spec.loader is not None
allowed = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(allowed)


@pytest.mark.parametrize(
    ("place", "host", "port", "answer"),
    [
        ("api.example.com:443", "api.example.com", "443", True),
        ("api.example.com:443", "API.Example.COM.", "443", True),
        ("API.example.com:443", "api.example.com", "443", True),
        ("api.example.com:443", "api.example.com", "80", False),
        ("api.example.com:443", "v1.api.example.com", "443", False),
        ("api.example.com:443", "api.example.com.evil.test", "443", False),
        (".example.com:443", "example.com", "443", True),
        (".example.com:443", "a.b.example.com", "443", True),
        (".example.com:443", "badexample.com", "443", False),
        ("api.example.com:*", "api.example.com", "8443", True),
        ("[2001:db8::1]:443", "[2001:db8::1]", "443", True),
        ("[2001:db8::1]:443", "2001:db8::1", "443", True),
        ("10.0.0.1:80", "10.0.0.10", "80", False),
        ("", "example.com", "443", False),
        (":443", "", "443", True),
        ("*:443", "example.com", "443", False),
    ],
)
def test_a_place_is_a_host_and_a_port(place: str, host: str, port: str, answer: bool) -> None:
    assert allowed.is_allowed([place], host, port) is answer


def test_it_answers_on_the_channel_that_asked_and_sees_new_lists(tmp_path: Path) -> None:
    lists = tmp_path / "allowed.json"
    helper = subprocess.Popen(
        [sys.executable, HELPER, lists], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert helper.stdin is not None
    assert helper.stdout is not None

    def ask(line: str) -> str:
        helper.stdin.write(f"{line}\n")  # type: ignore[union-attr]
        helper.stdin.flush()  # type: ignore[union-attr]
        return helper.stdout.readline()  # type: ignore[union-attr]

    try:
        assert ask("0 10.0.0.2 a.test 443") == "0 ERR\n"  # there is no file yet
        for name, places in (("one", ["a.test:443"]), ("two", ["b.test:443"])):
            (tmp_path / name).write_text(json.dumps({"10.0.0.2": places}))
            (tmp_path / name).replace(lists)
            assert ask(f"7 10.0.0.2 {places[0].replace(':', ' ')}") == "7 OK\n"
        assert ask("1 10.0.0.2 a.test 443") == "1 ERR\n"
        assert ask("2 10.0.0.3 b.test 443") == "2 ERR\n"
        assert ask("3") == "3 ERR\n"
    finally:
        helper.stdin.close()
        assert helper.wait(10) == 0
        helper.stdout.close()
