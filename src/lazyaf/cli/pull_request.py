"""Opens a pull request for a branch that is on the real remote: the server does it where it has a token for
the forge, else ``gh`` where that is possible."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

import click

from lazyaf.cli.client import Api, Json
from lazyaf.cli.failures import Failure
from lazyaf.domain.forges import ForgeKind, Place, compare_url, kind_of, noun_of, place_of

GH_S: Final = 120.0
_URL: Final = re.compile(r"https://\S+/pull/\d+")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request, or the page on which a person opens one."""

    url: str | None
    compare_url: str | None


def open_pull_request(
    api: Api, repo: Json, branch: str, remote: str, *, with_gh: bool
) -> PullRequest:
    """Open one and note it on the branch's card; where nothing can, say where a person does it."""
    card = _card_of(api, repo, branch)
    if card is not None and not with_gh and remote == repo["remote_url"]:
        opened = _by_server(api, card)
        if opened is not None:
            return opened
    base = (card or {}).get("base_branch") or repo["default_branch"]
    place = place_of(remote)
    if place is None:
        raise Failure(f"{remote} is on no forge, so it takes no pull requests. {branch} is there.")
    kind = _kind(repo, remote) or kind_of(place.host)
    compare = compare_url(kind, place, base, branch)
    if kind is not ForgeKind.GITHUB or shutil.which("gh") is None:
        return _by_hand(api, place, kind, compare)
    url = _run_gh(place, base, branch, card)
    if card is not None:
        api.patch(f"/api/cards/{card['id']}", {"pr_url": url})
    if not api.as_json:
        click.echo(f"Pull request: {url}")
    return PullRequest(url, compare)


def _kind(repo: Json, remote: str) -> ForgeKind | None:
    """What a person told the server of the repository's own remote."""
    known = repo["forge"] if remote == repo["remote_url"] else None
    return ForgeKind(known["kind"]) if known and known["kind"] else None


def _by_server(api: Api, card: Json) -> PullRequest | None:
    """What the server opened; None where it has no token for the forge. The branch is there already."""
    path = f"/api/cards/{card['id']}/pull-request"
    draft = api.get(path)
    if not draft["ready"]:
        return None
    url = api.post(path, {"push": False})["pr_url"]
    if not api.as_json:
        click.echo(f"{draft['noun'].capitalize()}: {url}")
    return PullRequest(url, draft["compare_url"])


def _by_hand(api: Api, place: Place, kind: ForgeKind | None, compare: str | None) -> PullRequest:
    if compare is None:
        raise Failure(
            f"Nobody can tell by its name what {place.host} is, so no pull request was opened. Say it with "
            "`lazyaf repo forge`, or open one in the browser: the branch is there."
        )
    if not api.as_json:
        if kind is ForgeKind.GITHUB:
            click.echo("GitHub's `gh` is not installed (https://cli.github.com), so open it here:")
        else:
            click.echo(f"Open the {noun_of(kind)} here:")
        click.echo(compare)
    return PullRequest(None, compare)


def _card_of(api: Api, repo: Json, branch: str) -> Json | None:
    """The card that a branch belongs to."""
    for found in api.pages(f"/api/repos/{repo['id']}/branches", limit=500):
        if found["name"] == branch and found["card"] is not None:
            card: Json = api.get(f"/api/cards/{found['card']['id']}")
            return card
    return None


def _run_gh(place: Place, base: str, branch: str, card: Json | None) -> str:
    title = branch if card is None else card["title"]
    body = "" if card is None else f"{card['description']}\n\nLazyAF card #{card['number']}.\n"
    argv = ["gh", "pr", "create", "--repo", f"{place.host}/{place.path}", "--base", base]
    argv += ["--head", branch, "--title", title, "--body-file", "-"]
    try:
        done = subprocess.run(
            argv, input=body.lstrip(), capture_output=True, text=True, timeout=GH_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"`gh` took longer than {GH_S:g} s. {branch} is on the remote.") from None
    url = _URL.search(f"{done.stdout}\n{done.stderr}")
    if url is None:
        words = (done.stderr or done.stdout).strip()
        raise Failure(f"{branch} is on the remote, but `gh` opened no pull request: {words}")
    return url[0]
