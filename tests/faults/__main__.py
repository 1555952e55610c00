"""``make faults``: injects a thousand faults, prints what was struck and what was lost.

Needs root, for file systems of its own. The Makefile starts it in a namespace of processes and mounts, so
that nothing stays behind when it is interrupted.
"""

from __future__ import annotations

import argparse
import math
import secrets
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults.campaign import play, table
from faults.trial import MOST_BLOWS, Plan, Told, plans


def main() -> int:
    """Play until enough faults fell; 1 when anything was lost."""
    asked = _arguments()
    seed = asked.seed or secrets.token_hex(4)
    print(f"seed {seed}")
    wanted = [plan for plan in plans(seed, asked.faults) if asked.only in (None, plan.seed)]
    began = time.monotonic()
    told: list[Told] = []
    with tempfile.TemporaryDirectory(prefix="lazyaf-faults-") as folder:
        while wanted and sum(len(each.struck) for each in told) < asked.faults:
            missing = asked.faults - sum(len(each.struck) for each in told)
            size = math.ceil(missing / MOST_BLOWS)
            batch, wanted = wanted[:size], wanted[size:]
            told += _side_by_side(Path(folder) / str(len(told)), batch, asked.sites)
    return _report(told, time.monotonic() - began)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=1000, help="how many faults to inject [1000]")
    parser.add_argument("--seed", help="play the same again [a new one]")
    parser.add_argument("--only", help="play only the trial of this name, as seed:number")
    parser.add_argument("--sites", type=int, default=2, help="servers side by side [2]")
    return parser.parse_args()


def _side_by_side(root: Path, batch: list[Plan], sites: int) -> list[Told]:
    with ThreadPoolExecutor(sites) as pool:
        parts = [batch[start::sites] for start in range(sites)]
        jobs = [
            pool.submit(play, root / f"part{n}", part, _tell)
            for n, part in enumerate(parts)
            if part
        ]
        return [came for job in jobs for came in job.result()]


def _tell(came: Told) -> None:
    print(came, flush=True)


def _report(told: list[Told], seconds: float) -> int:
    faults = sum(len(each.struck) for each in told)
    losses = sum(len(each.losses) for each in told)
    missed = sum(len(each.missed) for each in told)
    print(f"\n{table(told)}\n")
    print(f"{len(told)} jobs, {faults} faults injected, {missed} moments that never came, "
          f"{losses} losses, {seconds / 60:.0f} minutes")  # fmt: skip
    return 1 if losses or not told else 0


if __name__ == "__main__":
    sys.exit(main())
