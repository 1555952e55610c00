"""Many trials on one site after another, and what came of them in a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from faults.moments import Moment
from faults.site import Site
from faults.trial import Plan, Told, Trial


def _keep_quiet(_: Told) -> None:
    return


def play(
    root: Path, plans: Sequence[Plan], tell: Callable[[Told], None] = _keep_quiet
) -> list[Told]:
    """Play these plans on a site of their own. After a loss the site is built anew, so that one loss
    does not make others."""
    told: list[Told] = []
    todo = list(plans)
    number = 0
    while todo:
        number += 1
        with Site(root / f"site{number}") as site:
            while todo:
                came = Trial(site, todo.pop(0)).play()
                tell(came)
                told.append(came)
                if came.losses:
                    break
    return told


def table(told: Iterable[Told]) -> str:
    """Faults by kind and moment, as a Markdown table."""
    counts = Counter((struck.blow.name, struck.moment) for each in told for struck in each.struck)
    names = sorted({name for name, _ in counts})
    moments = list(Moment)
    lines = [f"| fault | {' | '.join(moments)} | all |", "|---" * (len(moments) + 2) + "|"]
    for name in names:
        row = [counts[name, moment] for moment in moments]
        lines.append(f"| {name} | {' | '.join(str(n or '·') for n in row)} | {sum(row)} |")
    return "\n".join(lines)
