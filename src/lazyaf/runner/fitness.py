"""Whether a runner can work in the image around it: ``python3 -I -m lazyaf.runner.fitness [NAME …]`` in a
container of that image prints ``{"problems": […], "agents": {name: why not, or null}}``. NAMEs are variables
that the server gives with a job.

The pool of containers asks this of each image that a repository names, before a runner is in it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from lazyaf.agents import registry
from lazyaf.git.command import OLDEST
from lazyaf.runner.config import host_environment

ANSWER_S: Final = 20.0


def problems(environ: Mapping[str, str]) -> list[str]:
    """What every job needs and this image has not, as sentences."""
    path = environ.get("PATH")
    found = [] if shutil.which("sh", path=path) else ["It has no shell (`sh`)."]
    git = shutil.which("git", path=path)
    if git is None:
        return [*found, "It has no git."]
    said = _said([git, "--version"])
    number = re.search(r"(\d+)\.(\d+)", said)
    if number is None:
        found.append(f"Its git does not work: {said}")
    elif (int(number[1]), int(number[2])) < OLDEST:
        found.append(f"Its git is {number[0]}; {OLDEST[0]}.{OLDEST[1]} or newer is needed.")
    elif not os.access(Path(_said([git, "--exec-path"]), "git-remote-http"), os.X_OK):
        found.append("Its git cannot fetch over HTTP: it has no `git-remote-http`.")
    return found


def agents(environ: Mapping[str, str], promised: Sequence[str]) -> dict[str, str | None]:
    """By name of an agent why it cannot run here, or None."""
    known = {**dict.fromkeys(promised, "comes with the job"), **host_environment(environ)}
    return {
        offer.name: None if offer.available else _why(offer.name, offer.reason or "", environ)
        for offer in registry.offers(known)
    }


def _why(name: str, reason: str, environ: Mapping[str, str]) -> str:
    """The reason, and what the program itself says when it cannot even tell its version."""
    program = shutil.which(name, path=environ.get("PATH"))
    said = _said([program, "--version"], failed=True) if program else ""
    return f"{reason} {said}".strip()


def _said(argv: Sequence[str], *, failed: bool = False) -> str:
    """What a program says; with ``failed`` nothing when it ends well."""
    try:
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
        )
    except FileNotFoundError:  # the program itself is there
        return "What loads it, its C library for example, is not in this image."
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if failed and done.returncode == 0:
        return ""
    return (done.stdout + done.stderr).strip()[:500]


if __name__ == "__main__":
    answer = {
        "problems": problems(os.environ),
        "agents": agents(os.environ, sys.argv[1:]),
    }
    json.dump(answer, sys.stdout)
