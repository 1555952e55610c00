"""Opens a pull request for a branch that is on the real remote, with ``gh`` where that is possible."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import click

from lazyaf.cli.client import Api, Json
from lazyaf.cli.failures import Failure

GH_S: Final = 120.0
_SCP: Final = re.compile(r"^(?:[^@/]+@)?([^:/]+):(?!//)(.+)$")
_URL: Final = re.compile(r"https://\S+/pull/\d+")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request, or the page on which a person opens one."""

    url: str | None
    compare_url: str | None


@dataclass(frozen=True, slots=True)
class Forge:
    """A repository on a forge: its host and ``owner/name``."""

    host: str
    path: str

    @property
    def is_gitlab(self) -> bool:
        """Whether it is GitLab, as far as its name tells."""
        return "gitlab" in self.host

    @property
    def is_github(self) -> bool:
        """Whether it is GitHub, as far as its name tells."""
        return "github" in self.host

    def compare_url(self, base: str, branch: str) -> str | None:
        """The page that opens a pull request; None on a forge that is not known."""
        if self.is_gitlab:
            return (
                f"https://{self.host}/{self.path}/-/merge_requests/new"
                f"?merge_request%5Bsource_branch%5D={quote(branch, safe='')}"
                f"&merge_request%5Btarget_branch%5D={quote(base, safe='')}"
            )
        if self.is_github:
            return (
                f"https://{self.host}/{self.path}/compare/{quote(base)}...{quote(branch)}?expand=1"
            )
        return None


def forge_of(remote: str) -> Forge | None:
    """Which forge a remote's URL points at, whatever its form; None for a path."""
    if "://" in remote:
        parts = urlsplit(remote)
        host, path = parts.hostname or "", parts.path
    else:
        match = _SCP.match(remote)
        host, path = (match[1], match[2]) if match else ("", "")
    path = path.strip("/").removesuffix(".git")
    return Forge(host.lower(), path) if host and "/" in path else None


def open_pull_request(api: Api, repo: Json, branch: str, remote: str) -> PullRequest:
    """Open one and note it on the branch's card; where ``gh`` is missing, say where to do it."""
    card = _card_of(api, repo, branch)
    base = (card or {}).get("base_branch") or repo["default_branch"]
    forge = forge_of(remote)
    if forge is None:
        raise Failure(f"{remote} is on no forge, so it takes no pull requests. {branch} is there.")
    compare = forge.compare_url(base, branch)
    if not forge.is_github or shutil.which("gh") is None:
        return _by_hand(api, forge, compare)
    url = _run_gh(forge, base, branch, card)
    if card is not None:
        api.patch(f"/api/cards/{card['id']}", {"pr_url": url})
    if not api.as_json:
        click.echo(f"Pull request: {url}")
    return PullRequest(url, compare)


def _by_hand(api: Api, forge: Forge, compare: str | None) -> PullRequest:
    if compare is None:
        raise Failure(
            f"Pull requests are opened by `lazyaf land --pr` on GitHub only, not on {forge.host}. "
            "The branch is there: open one in the browser."
        )
    if not api.as_json:
        if forge.is_github:
            click.echo("GitHub's `gh` is not installed (https://cli.github.com), so open it here:")
        else:
            click.echo("Open the merge request here:")
        click.echo(compare)
    return PullRequest(None, compare)


def _card_of(api: Api, repo: Json, branch: str) -> Json | None:
    """The card that a branch belongs to."""
    for found in api.pages(f"/api/repos/{repo['id']}/branches", limit=500):
        if found["name"] == branch and found["card"] is not None:
            card: Json = api.get(f"/api/cards/{found['card']['id']}")
            return card
    return None


def _run_gh(forge: Forge, base: str, branch: str, card: Json | None) -> str:
    title = branch if card is None else card["title"]
    body = "" if card is None else f"{card['description']}\n\nLazyAF card #{card['number']}.\n"
    argv = ["gh", "pr", "create", "--repo", f"{forge.host}/{forge.path}", "--base", base]
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
