"""Does what the first word says; an error goes to stderr with status 1."""

from __future__ import annotations

import json
import subprocess
import sys

from lazyaf.runner.walker.restore import restore
from lazyaf.runner.walker.save import save


def main() -> None:
    """Read the question, answer it."""
    work = {"save": save, "restore": restore}[sys.argv[1]]
    try:
        answer = work(json.load(sys.stdin))
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
