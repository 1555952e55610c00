"""What a save holds is what the files were, byte for byte, whatever the agent did to its repository (R10)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from factories.runner_rig import Rig
from lazyaf.git import command
from lazyaf.runner import saves
from lazyaf.runner.treegit import TreeGit

IDENTITY = ("LazyAF", "lazyaf@localhost")
Content = dict[str, tuple[str, bytes]]


class Site:
    """A work tree with a repository in it, and the sandboxed git of a runner."""

    def __init__(self, rig: Rig) -> None:
        self.root = rig.work_dir / "site"
        self.cache = rig.work_dir / "cache.git"
        self.tree = self.root / "work"
        self._sandbox = rig.sandbox
        self.git = self._of(self.root)

    async def prepare(self) -> None:
        self.tree.mkdir(parents=True)
        await command.run(["init", "-q", "--bare", str(self.cache)])
        await self.shell(
            "git init -q -b main . && echo one > app.txt && printf 'a\\nb\\n' > lines.txt && mkdir dir && "
            "echo in > dir/in.txt && ln -s app.txt link && echo run > run.sh && chmod +x run.sh && "
            "git add -A && git commit -q -m Begin"
        )

    async def shell(self, script: str) -> None:
        """Do what an agent would do, in its own sandbox."""
        done = await self.git.command(["sh", "-ec", script])
        assert done.returncode == 0, done.stderr

    async def save(self, *, final: bool = True) -> saves.Saved:
        return await saves.save(self.git, "main", final=final)

    async def restored(self, saved: saves.Saved) -> Content:
        """The files that another machine gets from this save."""
        other = self.root / "other"
        git = self._of(other)
        git.tree.mkdir(parents=True)
        source = str(self.git.store / "repo")
        await command.run(["fetch", "-q", source, "+refs/lazyaf/save:refs/kept"], cwd=self.cache)
        await git.run("init", "-q", "-b", "main", ".")
        lent = git.tree / ".git" / "objects" / "info" / "alternates"
        lent.write_text(f"{self.cache / 'objects'}\n")
        if saved.head is None:
            await git.run("commit", "-q", "--allow-empty", "-m", "Nothing")
        else:
            await git.run("reset", "-q", "--hard", saved.head)
        if saved.sha is not None:
            await saves.restore(git, saved.sha)
        return content(git.tree)

    def _of(self, root: Path) -> TreeGit:
        return TreeGit(self._sandbox, root / "work", self.cache, root / "saves", IDENTITY)


def content(tree: Path) -> Content:
    """Kind and bytes of everything but repositories' own directories."""
    found: Content = {}
    for folder, names, files in os.walk(tree):
        for name in [*files, *(n for n in names if (Path(folder) / n).is_symlink())]:
            path = Path(folder) / name
            if ".git" in path.relative_to(tree).parts:
                continue
            kind = path.lstat().st_mode
            if stat.S_ISLNK(kind):
                found[os.fsdecode(os.fsencode(path.relative_to(tree)))] = (
                    "link",
                    os.fsencode(path.readlink()),
                )
            elif stat.S_ISREG(kind):
                word = "program" if kind & stat.S_IXUSR else "file"
                found[str(path.relative_to(tree))] = (word, path.read_bytes())
    return found


@pytest.fixture
async def site(rig: Rig) -> Site:
    site = Site(rig)
    await site.prepare()
    return site


EDITS = {
    "nothing": "true",
    "changed, new, deleted, moved": "echo two >> app.txt; echo n > new.txt; rm lines.txt; mv dir there",
    "the mode alone": "chmod +x app.txt; chmod -x run.sh",
    "a file becomes a directory": "rm app.txt; mkdir app.txt; echo x > app.txt/x",
    "a directory becomes a file": "rm -r dir; echo x > dir",
    "a directory becomes a link": "mv dir real; ln -s real dir",
    "links": "ln -sf /nowhere link; ln -s ../outside up; rm run.sh; ln -s app.txt run.sh",
    "line endings": "printf '* text=auto eol=crlf\\n' > .gitattributes; printf 'a\\r\\nb\\n' > mixed.txt",
    "committed line endings": "git config core.autocrlf true; printf 'x\\r\\n' > crlf.txt; git add crlf.txt; "
    "git commit -q -m crlf; printf 'y\\r\\nz\\n' > crlf.txt",
    "a filter": "git config filter.up.clean 'tr a-z A-Z'; git config filter.up.smudge 'tr A-Z a-z'; "
    "git config filter.up.required true; echo '*.txt filter=up' > .gitattributes; echo low > low.txt",
    "a filter that fails": "git config filter.no.clean false; git config filter.no.required true; "
    "echo '*.txt filter=no' > .gitattributes; echo two >> app.txt",
    "odd names": "printf x > \"$(printf 'new\\nline')\"; printf x > '\"quoted\"'; printf x > 'back\\slash'; "
    "printf x > \"$(printf 'latin-\\351')\"; printf x > 'ünï'; printf x > ' spaces '; printf x > '-dash'",
    "an index lock": "touch .git/index.lock; echo two >> app.txt; echo n > new.txt",
    "a broken index": "echo junk > .git/index; echo two >> app.txt; echo n > new.txt",
    "its own gc": "echo two >> app.txt; git commit -qam two; git gc -q --prune=now; echo three > new.txt",
    "a rebase": "echo mine > app.txt; git commit -qam mine; git checkout -q -b other HEAD~1; "
    "echo other > app.txt; git commit -qam other; git checkout -q main; git rebase other || true; echo n > n",
    "a merge": "git checkout -q -b other; echo other > app.txt; git commit -qam other; git checkout -q main; "
    "echo mine > app.txt; git commit -qam mine; git merge other || true",
    "a stash": "echo stashed > app.txt; git stash -q; echo more > lines.txt; git stash -q; echo n > n.txt",
    "a repository inside": "git init -q inside; cd inside; echo i > i.txt; git add -A; git commit -q -m i; "
    "echo later > later.txt; cd ..; git init -q empty; echo e > empty/e.txt",
    "a submodule": "git init -q sub; cd sub; echo s > s.txt; git add -A; git commit -q -m s; cd ..; "
    "git add sub; git commit -q -m sub; echo changed > sub/s.txt; echo new > sub/new.txt",
    "no repository": "echo two >> app.txt; rm -rf .git",
    "many": "mkdir many; cd many; for i in $(seq 300); do echo $i > f$i; done",
    "large": "head -c 20000000 /dev/urandom > large.bin",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
async def test_what_comes_back_is_what_was_there(site: Site, edit: str) -> None:
    await site.save(final=False)
    await site.shell(edit)
    before = content(site.tree)
    saved = await site.save()
    assert content(site.tree) == before
    assert await site.restored(saved) == before


async def test_the_second_save_of_the_same_is_the_first(site: Site) -> None:
    assert (await site.save()).sha is None
    await site.shell("echo two >> app.txt; echo n > new.txt; git stash list")
    first = await site.save()
    assert first.sha is not None
    assert await site.save() == first
    await site.shell("git commit -qam two")
    second = await site.save()
    assert second.head != first.head
    assert second.sha is not None
    await site.shell("git add -A; git commit -qm new")
    assert (await site.save()).sha is None


async def test_a_change_of_the_same_size_at_the_same_time_is_seen(site: Site) -> None:
    await site.shell("echo aaa > t.txt; touch -d '2020-01-01' t.txt")
    await site.save()
    await site.shell("echo bbb > t.txt; touch -d '2020-01-01' t.txt")
    saved = await site.save()
    assert (await site.restored(saved))["t.txt"] == ("file", b"bbb\n")


async def test_what_is_not_saved_is_named(site: Site) -> None:
    await site.shell(
        "echo 'build/' > .gitignore; mkdir build; echo b > build/b; rm lines.txt; mkfifo lines.txt; echo s > secret; "
        "chmod 000 secret; mkdir x; echo g > x/GIT~1; head -c 20000000 /dev/zero > zeros; echo n > new.txt"
    )
    saved = await site.save(final=False)
    told = "\n".join(saved.notes)
    for named in ("build/", "lines.txt", "secret", "x/GIT~1", "zeros"):
        assert named in told
    assert set(await site.restored(saved)) >= {"new.txt", ".gitignore", "app.txt"}
    assert "zeros" not in "\n".join((await site.save()).notes)


async def test_a_file_that_cannot_be_read_keeps_what_was_committed(site: Site) -> None:
    await site.shell("chmod 000 app.txt; echo n > new.txt")
    saved = await site.save()
    assert any("app.txt" in note for note in saved.notes)
    assert (await site.restored(saved))["app.txt"] == ("file", b"one\n")


async def test_every_commit_of_an_unfinished_rebase_is_kept(site: Site) -> None:
    script = "; ".join(f"echo {n} > f{n}; git add -A; git commit -q -m c{n}" for n in range(6))
    await site.shell(f"{script}; git tag last")
    last = await site.git.ref("last")
    await site.shell(
        "git tag -d last; GIT_SEQUENCE_EDITOR='sed -i 1s/pick/edit/' git rebase -q -i HEAD~6; echo x > f0"
    )
    saved = await site.save()
    assert saved.unfinished is not None
    assert saved.tip == last
    kept = await command.run(["rev-list", saved.sha or ""], cwd=site.git.store / "repo")
    assert last in kept.text.split()
    told = await command.run(
        ["log", "-1", "--format=%B", saved.sha or ""], cwd=site.git.store / "repo"
    )
    assert "rebase-merge/head-name: refs/heads/main" in told.text


async def test_every_stash_entry_is_kept(site: Site) -> None:
    await site.shell("for i in 1 2 3; do echo $i > app.txt; git stash -q; done")
    saved = await site.save()
    kept = await command.run(["rev-list", saved.sha or ""], cwd=site.git.store / "repo")
    stashed = await site.git.run("reflog", "show", "--format=%H", "refs/stash")
    assert len(stashed.text.split()) == 3
    assert set(stashed.text.split()) <= set(kept.text.split())
