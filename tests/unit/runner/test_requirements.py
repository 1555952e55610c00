"""The image of a runner holds a part of the dependencies: this notices when the runner needs more."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

LOCKED = Path(__file__).parents[3] / "requirements" / "runner.txt"
IMPORT_ALL = """
import importlib, json, pkgutil, sys
import lazyaf.agents, lazyaf.cli.runner, lazyaf.domain, lazyaf.protocol, lazyaf.runner
import lazyaf.data_dir
for package in (lazyaf.agents, lazyaf.domain, lazyaf.protocol, lazyaf.runner):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
names = {name.partition(".")[0] for name, module in sys.modules.items() if module is not None}
print(json.dumps(sorted(names - set(sys.stdlib_module_names))))
"""
OPTIONAL = {"attrs", "backports-zstd", "brotli", "greenlet", "pygments", "rich"}
"""Used by dependencies where they are there, as they are in this environment."""


def test_the_runner_imports_what_its_lock_names() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True
    )
    known = packages_distributions()
    used = {_name(dist) for module in json.loads(done.stdout) for dist in known.get(module, [])}
    locked = {_name(line) for line in re.findall(r"^([\w.-]+)==", LOCKED.read_text(), re.MULTILINE)}

    assert used - locked - OPTIONAL - {"lazyaf", "setuptools"} == set()


def _name(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
