"""``lazyaf land``: bring a branch from LazyAF's own server to the real remote, with your own git.

Works from any directory: the branch passes through a temporary repository. Nothing is ever forced.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.pull_request import PullRequest, open_pull_request
from lazyaf.cli.terminal import show_json
from lazyaf.cli.transfer import HEADS, Pushed, fetch_from_server, push_to_remote, tip_of
from lazyaf.domain.remotes import parse_remote


@click.command(
    "land",
    epilog="Examples: `lazyaf land shop --branch main`; `lazyaf land shop --branch lazyaf/12-login "
    "--pr`.",
)
@click.argument("repo")
@click.option("--branch", "-b", required=True, help="The branch to push, under its own name.")
@click.option("--pr", is_flag=True, help="Open a pull request for it, with GitHub's `gh`.")
@click.option("--remote", metavar="URL", help="Push there instead of to the repository's remote.")
@client_command
def command(api: Api, repo: str, branch: str, pr: bool, remote: str | None) -> None:
    """Push a branch of REPO (an id or a name) from LazyAF to its real remote."""
    found = api.repo(repo)
    target = _remote(found, remote)
    with tempfile.TemporaryDirectory(prefix="lazyaf-land-") as folder:
        git_dir = Path(folder) / "land.git"
        fetch_from_server(api, found, branch, git_dir)
        pushed = push_to_remote(git_dir, target, f"{HEADS}{branch}:{HEADS}{branch}")
        sha = tip_of(git_dir, branch)
    _require_landed(pushed, branch, target)
    _tell(api, found, branch, sha, target)
    is_news = any(ref.status != "unchanged" for ref in pushed.refs)
    if not api.as_json:
        said = "is on" if is_news else "was already on"
        click.echo(f"{branch} {said} {target}")
    request = open_pull_request(api, found, branch, target) if pr else None
    if api.as_json:
        _show(branch, target, is_news, request)


def _tell(api: Api, repo: Json, branch: str, sha: str, target: str) -> None:
    """Let the board know. It is landed all the same when the board cannot be told."""
    landed = {"branch": branch, "sha": sha, "remote_url": parse_remote(target).url}
    try:
        api.post(f"/api/repos/{repo['id']}/landed", landed)
    except Failure as failure:
        click.secho(f"The board was not told that it landed: {failure}", fg="yellow", err=True)


def _show(branch: str, target: str, is_news: bool, request: PullRequest | None) -> None:
    show_json(
        {
            "branch": branch,
            "remote_url": target,
            "pushed": is_news,
            "pr_url": None if request is None else request.url,
            "compare_url": None if request is None else request.compare_url,
        }
    )


def _remote(repo: Json, given: str | None) -> str:
    remote = given or repo["remote_url"]
    if not remote:
        raise Failure(
            f"{repo['name']} has no remote. Name one with --remote URL, or set it in the "
            "repository's settings."
        )
    is_path = "://" not in remote and ":" not in remote.partition("/")[0]
    return str(Path(remote).expanduser().absolute()) if is_path else str(remote)


def _require_landed(pushed: Pushed, branch: str, target: str) -> None:
    refused = next((ref for ref in pushed.refs if ref.is_refused), None)
    if refused is not None and refused.is_behind:
        raise Failure(
            f"{target} has commits on {branch} that LazyAF does not have, and nothing is ever "
            f"forced. Bring them in first: `git pull` in your checkout, then `lazyaf ingest`; then "
            "land again. [remote_moved]"
        )
    if refused is not None:
        raise Failure(
            f"{target} did not take {branch}: {refused.words}\n{pushed.complaint}".rstrip()
        )
    if not pushed.is_done:
        raise Failure(
            f"{target} could not be pushed to. Your own git would say the same: "
            f"{pushed.complaint or 'it said nothing.'}"
        )
