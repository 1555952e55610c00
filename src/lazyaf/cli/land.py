"""``lazyaf land``: bring a branch from LazyAF's own server to the real remote, with your own git.

Works from any directory: the branch passes through a temporary repository. Nothing is ever forced.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from lazyaf.cli import landing
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.landing import Comparison
from lazyaf.cli.pull_request import PullRequest, open_pull_request
from lazyaf.cli.terminal import plural, show_json, someone_is_there
from lazyaf.cli.transfer import HEADS, Pushed, fetch_from_server, push_to_remote, tip_of
from lazyaf.domain.remotes import parse_remote


@click.command(
    "land",
    epilog="Examples: `lazyaf land shop --branch main`; `lazyaf land shop --branch lazyaf/12-login "
    "--pr`.",
)
@click.argument("repo")
@click.option("--branch", "-b", required=True, help="The branch to push, under its own name.")
@click.option("--pr", is_flag=True, help="Open a pull request for it, on the card's behalf.")
@click.option("--with-gh", is_flag=True, help="With --pr: by GitHub's `gh`, not by the server.")
@click.option("--remote", metavar="URL", help="Push there instead of to the repository's remote.")
@click.option("--dry-run", "-n", is_flag=True, help="Show what would be pushed, and stop.")
@click.option("--merge", is_flag=True, help="Merge in what the remote has and LazyAF has not.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@client_command
def command(
    api: Api,
    repo: str,
    branch: str,
    pr: bool,
    with_gh: bool,
    remote: str | None,
    dry_run: bool,
    merge: bool,
    yes: bool,
) -> None:
    """Push a branch of REPO (an id or a name) from LazyAF to its real remote.

    Shows what would be pushed first, and asks where there is someone to ask.
    """
    found = api.repo(repo)
    target = _remote(found, remote)
    asks = someone_is_there() and not (yes or api.as_json)
    with tempfile.TemporaryDirectory(prefix="lazyaf-land-") as folder:
        git_dir = Path(folder) / "land.git"
        fetch_from_server(api, found, branch, git_dir)
        compared = landing.compare(git_dir, target, branch, tip_of(git_dir, branch))
        landing.show(compared, branch, target)
        if dry_run:
            _show_dry(api, compared, branch, target)
            return
        if compared.behind:
            compared = _brought_in(api, found, git_dir, branch, target, compared, merge, asks)
        is_news = compared.state in ("new", "ahead")
        if is_news:
            if asks:
                click.confirm("Push it?", abort=True, err=True)
            lease = (branch, compared.there or "")
            pushed = push_to_remote(git_dir, target, f"{compared.sha}:{HEADS}{branch}", lease=lease)
            _require_landed(pushed, branch, target)
    _tell(api, found, branch, compared.sha, target)
    if not api.as_json:
        said = "is on" if is_news else "was already on"
        click.echo(f"{branch} {said} {target}")
    request = open_pull_request(api, found, branch, target, with_gh=with_gh) if pr else None
    if api.as_json:
        _show(branch, target, compared, is_news, request)


def _brought_in(
    api: Api,
    repo: Json,
    git_dir: Path,
    branch: str,
    target: str,
    compared: Comparison,
    merge: bool,
    asks: bool,
) -> Comparison:
    """How both stand once the remote's commits are merged in, if that is wanted."""
    if asks and not merge:
        count = plural(compared.behind, "commit")
        click.echo(f"{target} has {count} on {branch} that LazyAF does not have.", err=True)
        merge = click.confirm("Merge them in first?", err=True)
    if not merge:
        raise landing.moved(compared, branch, target)
    sha = landing.merge_in(api, repo, git_dir, branch, compared)
    after = landing.compare(git_dir, target, branch, sha)
    landing.show(after, branch, target)
    if after.behind:
        raise landing.moved(after, branch, target)
    return after


def _show_dry(api: Api, compared: Comparison, branch: str, target: str) -> None:
    if api.as_json:
        show_json({"branch": branch, "remote_url": target, "pushed": False, **compared.view})
    elif compared.behind:
        click.echo(f"{target} has {plural(compared.behind, 'commit')} that LazyAF does not have.")
    elif compared.state == "current":
        click.echo(f"{branch} is already on {target}")
    else:
        click.echo("Nothing was pushed.")


def _tell(api: Api, repo: Json, branch: str, sha: str, target: str) -> None:
    """Let the board know. It is landed all the same when the board cannot be told."""
    landed = {"branch": branch, "sha": sha, "remote_url": parse_remote(target).url}
    try:
        api.post(f"/api/repos/{repo['id']}/landed", landed)
    except Failure as failure:
        click.secho(f"The board was not told that it landed: {failure}", fg="yellow", err=True)


def _show(
    branch: str, target: str, compared: Comparison, is_news: bool, request: PullRequest | None
) -> None:
    show_json(
        {
            "branch": branch,
            "remote_url": target,
            "pushed": is_news,
            **compared.view,
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
            f"{branch} moved at {target} just now, and nothing is ever forced. Land again: it will show "
            "what is there. [remote_moved]"
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
