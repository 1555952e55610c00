"""What `lazyaf land` would push, compared with the real remote as it is now, and a remote that moved.

Works in the temporary repository that holds the branch, with the person's own git.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from lazyaf.cli.checkout import user_environment
from lazyaf.cli.client import Api, Json
from lazyaf.cli.failures import Failure
from lazyaf.cli.terminal import one_line, plural
from lazyaf.cli.transfer import HEADS, Relay, push_to_server
from lazyaf.domain.errors import GitFailed
from lazyaf.git import command

SHOWN: Final = 20
"""Commits that are named."""
_THERE: Final = "refs/lazyaf/there"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The branch's commit, the one that the remote's branch is at, if it is there, and how many commits
    each has that the other has not; of a new branch ``ahead`` is what no branch of the remote has."""

    sha: str
    there: str | None
    ahead: int
    behind: int
    subjects: tuple[str, ...]

    @property
    def state(self) -> str:
        """As the server's preview calls it."""
        if self.there is None:
            return "new"
        if self.behind:
            return "diverged" if self.ahead else "behind"
        return "ahead" if self.ahead else "current"

    @property
    def view(self) -> dict[str, Any]:
        """The part of the JSON that says so."""
        return {
            "sha": self.sha,
            "remote_sha": self.there,
            "state": self.state,
            "ahead": self.ahead,
            "behind": self.behind,
        }


def compare(git_dir: Path, target: str, branch: str, sha: str) -> Comparison:
    """Ask the remote, and fetch what it has of the branch. Raises `Failure`."""
    heads = _heads(git_dir, target)
    there = heads.get(branch)
    if there is not None:
        if _run(git_dir, "cat-file", "-e", f"{there}^{{commit}}", ok=(0, 1, 128)).returncode:
            ref = f"+{HEADS}{branch}:{_THERE}"
            _attached(
                git_dir, target, "fetch", "--no-tags", "--no-auto-maintenance", "--", target, ref
            )
        known = [there]
        behind = int(_run(git_dir, "rev-list", "--count", f"{sha}..{there}").text)
    else:
        known, behind = list(heads.values()), 0
    script = "".join([f"{sha}\n", *(f"^{one}\n" for one in known)]).encode()
    words = ("rev-list", "--ignore-missing", "--stdin")
    ahead = int(_run(git_dir, *words, "--count", stdin=script).text)
    listed = _run(git_dir, *words, f"--max-count={SHOWN}", "--oneline", stdin=script)
    return Comparison(sha, there, ahead, behind, tuple(listed.text.splitlines()))


def show(compared: Comparison, branch: str, target: str) -> None:
    """Say what would be pushed."""
    if compared.state in ("new", "ahead", "diverged"):
        where = "a new branch" if compared.there is None else compared.there[:12]
        click.echo(f"{branch} at {compared.sha[:12]} → {target} ({where})", err=True)
        click.echo(f"{plural(compared.ahead, 'commit')} to push:", err=True)
        for subject in compared.subjects:
            click.echo(f"  {one_line(subject)}", err=True)
        if compared.ahead > len(compared.subjects):
            click.echo(f"  and {compared.ahead - len(compared.subjects)} more", err=True)


def moved(compared: Comparison, branch: str, target: str) -> Failure:
    """The remote has commits that are not here."""
    return Failure(
        f"{target} has {plural(compared.behind, 'commit')} on {branch} that LazyAF does not have, and "
        "nothing is ever forced. Bring them in first: `lazyaf land --merge` merges them into LazyAF's "
        "branch; or `git pull` in your checkout, then `lazyaf ingest`; then land again. [remote_moved]"
    )


def merge_in(api: Api, repo: Json, git_dir: Path, branch: str, compared: Comparison) -> str:
    """Merge the remote's commits into the branch on the server; returns its new tip. Raises `Failure`, and
    then nothing was changed."""
    new = _merge(git_dir, branch, compared) if compared.ahead else str(compared.there)
    pushed = push_to_server(api, repo, git_dir, [f"{new}:{HEADS}{branch}"])
    refused = next((ref for ref in pushed.refs if ref.is_refused), None)
    if refused is not None or not pushed.is_done:
        words = pushed.complaint if refused is None else refused.words
        raise Failure(f"LazyAF did not take the merge into {branch}: {words}")
    click.echo(f"Merged {plural(compared.behind, 'commit')} of the remote into {branch}.", err=True)
    return new


def _merge(git_dir: Path, branch: str, compared: Comparison) -> str:
    there = str(compared.there)
    # A bare repository does not look at the tree's attributes by itself.
    attributes = git_dir / "attributes-of-the-branch"
    shown = _run(git_dir, "show", f"{compared.sha}:.gitattributes", ok=(0, 128))
    attributes.write_bytes(shown.stdout)
    merged = _run(
        git_dir, "-c", f"core.attributesFile={attributes}", "merge-tree", "--write-tree",
        "--name-only", "--no-messages", compared.sha, there, ok=(0, 1),
    )  # fmt: skip
    tree, *files = merged.text.splitlines()
    if merged.returncode:
        listed = "".join(f"\n  {one_line(file)}" for file in files)
        raise Failure(
            f"{branch} and the remote's conflict, and nothing was changed. Merge them in your checkout, "
            f"`lazyaf ingest` it, then land again. [merge_conflict]{listed}"
        )
    message = f"Merge the remote's branch '{branch}'\n"
    words = ("commit-tree", tree, "-p", compared.sha, "-p", there, "-F", "-")
    return _run(git_dir, *words, stdin=message.encode()).text


def _heads(git_dir: Path, target: str) -> dict[str, str]:
    listed = _attached(git_dir, target, "ls-remote", "--heads", "--", target)
    pairs = (line.partition("\t") for line in listed.text.splitlines())
    return {ref.removeprefix(HEADS): sha for sha, _, ref in pairs}


def _attached(git_dir: Path, target: str, *args: str) -> command.Completed:
    """Talk to the remote as the person would: they may be asked for a password."""
    done = command.run_attached(
        [f"--git-dir={git_dir}", *args], env=user_environment(), on_stderr=Relay()
    )
    if done.returncode != 0:
        raise Failure(
            f"{target} could not be reached. Your own git would say the same: "
            f"{done.stderr[-2_000:] or 'it said nothing.'}"
        )
    return done


def _run(
    git_dir: Path, *args: str, stdin: bytes | None = None, ok: tuple[int, ...] = (0,)
) -> command.Completed:
    try:
        return command.run_sync(
            [f"--git-dir={git_dir}", *args], env=user_environment(), stdin=stdin, ok=ok
        )
    except GitFailed as failed:
        raise Failure(failed.detail) from None
