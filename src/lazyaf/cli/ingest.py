"""``lazyaf ingest``: put a repository of this machine on the board, or bring it up to date there.

The repository is only read: no remote, no setting and no hook of it is used or left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from lazyaf.cli.checkout import Checkout, look_at
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure, Refused
from lazyaf.cli.terminal import show_json
from lazyaf.cli.transfer import HEADS, Pushed, PushedRef, push_to_server

SHOWN: Final = 12
KNOWN_COMMITS: Final = 500
PREFIXES: Final = ("lazyaf-cards", "cards", "agents", "lazyaf-board")


@click.command(
    "ingest",
    epilog="Examples: `lazyaf ingest .` takes the branch that is checked out; `lazyaf ingest "
    "~/src/shop --all-branches` takes everything. Again later, it brings the server up to date.",
)
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="The repository's name on the board [its directory's].")
@click.option("--branch", "-b", help="Push this branch instead of the one that is checked out.")
@click.option("--all-branches", is_flag=True, help="Push every branch and tag.")
@client_command
def command(api: Api, path: Path, name: str | None, branch: str | None, all_branches: bool) -> None:
    """Push the git repository at PATH to LazyAF's own server and open a board for it."""
    if branch is not None and all_branches:
        raise click.UsageError("Give --branch or --all-branches, not both.")
    checkout = look_at(path)
    default = _default_branch(checkout, branch)
    refspecs = [f"{HEADS}{default}:{HEADS}{default}"]
    if all_branches:
        refspecs = [f"{HEADS}*:{HEADS}*", "refs/tags/*:refs/tags/*"]
    repo, is_new = _record(api, checkout, name or checkout.name, default)
    try:
        pushed = push_to_server(api, repo, checkout.path, refspecs)
        _require_taken(pushed, repo, checkout)
    except BaseException:
        if is_new:  # a record without content would only be in the way
            api.delete(f"/api/repos/{repo['id']}")
        raise
    note = _free_prefix(api, repo)
    _report(api, api.repo(repo["id"]), pushed.refs, note)


def _default_branch(checkout: Checkout, branch: str | None) -> str:
    """The branch to push, and what a new repository's HEAD points at."""
    shown = ", ".join(checkout.branches[:SHOWN])
    if branch is not None and branch not in checkout.branches:
        raise Failure(f"There is no branch “{branch}” in {checkout.path}. Branches: {shown}.")
    if branch is None and checkout.head is None:
        raise Failure(
            f"{checkout.path} is on no branch: its HEAD is detached. Say which branch to take with "
            f"--branch, or switch to one. Branches: {shown}."
        )
    chosen = branch or checkout.head or ""
    if chosen not in checkout.branches:
        raise Failure(
            f"The branch “{chosen}” of {checkout.path} has no commits yet. Commit to it, or name "
            f"another with --branch. Branches: {shown}."
        )
    return chosen


def _record(api: Api, checkout: Checkout, name: str, default: str) -> tuple[Json, bool]:
    """The server's record to push into, and whether it was made just now."""
    wanted = {"name": name, "default_branch": default, "remote_url": checkout.remote_url}
    try:
        return api.post("/api/repos/ingest", wanted), True
    except Refused as refused:
        if refused.code != "name_taken":
            raise
    found = api.repo(name)
    if not _is_same(api, found, checkout):
        raise Failure(
            f"There is already another repository named “{name}” on the board, with a history of "
            f"its own. Choose a name for this one: `lazyaf ingest {checkout.path} --name "
            f"{name}-2`. [name_taken]"
        )
    return found, False


def _is_same(api: Api, found: Json, checkout: Checkout) -> bool:
    """Whether the server's repository is this one: empty, of the same remote or of common history."""
    if not found["is_ingested"]:
        return True
    if checkout.remote_url and _bare(checkout.remote_url) == _bare(found["remote_url"] or ""):
        return True
    path = f"/api/repos/{found['id']}"
    shas = [branch["sha"] for branch in api.pages(f"{path}/branches", limit=500)]
    if checkout.has(shas):
        return True
    page = api.get(f"{path}/commits", ref=found["default_branch"], limit=KNOWN_COMMITS)
    return checkout.has([commit["sha"] for commit in page["items"]])


def _bare(url: str) -> str:
    return url.rstrip("/").removesuffix(".git")


def _require_taken(pushed: Pushed, repo: Json, checkout: Checkout) -> None:
    refused = [ref for ref in pushed.refs if ref.is_refused]
    behind = ", ".join(ref.name for ref in refused if ref.is_behind)
    if behind:
        raise Failure(
            f"The server has commits on {behind} that {checkout.path} does not have: merged cards, "
            f"perhaps. Nothing was overwritten. Bring them here first, with `lazyaf land "
            f"{repo['name']} --branch {refused[0].name}` and `git pull`, then ingest again. "
            "[not_fast_forward]"
        )
    if refused:
        words = "\n".join(f"  {ref.name}: {ref.words}" for ref in refused)
        raise Failure(f"The server did not take everything:\n{words}\n{pushed.complaint}")
    if not pushed.is_done:
        raise Failure(f"The push did not succeed: {pushed.complaint or 'git said nothing.'}")


def _free_prefix(api: Api, repo: Json) -> str | None:
    """See that cards can make their branches: git keeps no ``lazyaf/1-x`` beside ``lazyaf`` (R16)."""
    path = f"/api/repos/{repo['id']}"
    names = {branch["name"] for branch in api.pages(f"{path}/branches", limit=500)}
    current = api.repo(repo["id"])
    prefix = str(current["settings"]["branch_prefix"])
    blocker = _blocker(prefix, names)
    if blocker is None:
        return None
    problem = f"The branch “{blocker}” stands in the way of card branches like {prefix}/1-title"
    if "branch_prefix" in current["settings_from_file"]:
        return (
            f"{problem}. Rename it, or choose another branch_prefix in .lazyaf/config.toml: until "
            "then no card can be started."
        )
    free = next(p for p in (*PREFIXES, f"{prefix}-{repo['id']}") if _blocker(p, names) is None)
    api.patch(path, {"settings": {"branch_prefix": free}})
    return f"{problem}, so they begin with “{free}/” here. The repository's settings can change it."


def _blocker(prefix: str, names: set[str]) -> str | None:
    parts = prefix.split("/")
    above = ("/".join(parts[: n + 1]) for n in range(len(parts)))
    return next((name for name in above if name in names), None)


def _report(api: Api, repo: Json, refs: Sequence[PushedRef], note: str | None) -> None:
    board = f"{api.server}/r/{repo['name']}"
    if api.as_json:
        pushed = [{"ref": ref.ref, "status": ref.status} for ref in refs]
        show_json({"repo": repo, "pushed": pushed, "board_url": board, "note": note})
        return
    changed = [ref for ref in refs if ref.status != "unchanged"]
    for ref in changed[:SHOWN]:
        click.echo(f"  {ref.status:<8} {ref.name}")
    if len(changed) > SHOWN:
        click.echo(f"  … and {len(changed) - SHOWN} more")
    if changed:
        click.echo(f"{repo['name']} is on the board: {board}")
    else:
        click.echo(f"Nothing to push: {repo['name']} is up to date. Its board: {board}")
    if note is not None:
        click.secho(note, fg="yellow", err=True)
