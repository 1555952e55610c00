"""How a password is asked for: on the terminal without showing it, or from stdin. Never an option."""

from __future__ import annotations

import sys

import click

from lazyaf.cli.failures import Failure


def read_password(prompt: str, *, from_stdin: bool, twice: bool = False) -> str:
    """The password as it was typed, or stdin without its line end."""
    if from_stdin:
        text = sys.stdin.read().rstrip("\r\n")
        if not text or "\n" in text:
            raise Failure("Stdin must hold the password and nothing else, on one line.")
        return text
    password: str = click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
    return password
