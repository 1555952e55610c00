"""Many merges by one git child, for those who keep an eye on a whole board.

``merge-tree --stdin`` does a merge in a third of the time that a child of its own takes, and says the same.
It gives up at commits without a common history, and git before 2.39 does not know it: then the merges of
the batch are made one by one. As in
`lazyaf.git.merge` the objects go into a throwaway directory, and the children stand back behind whatever
people wait for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command
from lazyaf.git.merge import (
    Mergeability,
    Merged,
    known_mergeability,
    merge_tree,
    objects_aside,
    read_merge,
    remember,
    write_attributes,
)
from lazyaf.git.refs import require_object_ids
from lazyaf.git.storage import Storage

BATCH: Final = 100
"""Merges of one child: some 200 ms, and the objects of so many are thrown away together."""
NICENESS: Final = 10

Pair = tuple[str, str]


async def mergeabilities(
    storage: Storage, repo_id: str, base_sha: str, heads: Sequence[str]
) -> dict[str, Mergeability]:
    """`lazyaf.git.merge.mergeability` of each head into one base; full ids."""
    found = {head: known_mergeability(base_sha, head) for head in heads}
    missing = [(base_sha, head) for head, known in found.items() if known is None]
    merged = await merge_pairs(storage, repo_id, base_sha, missing)
    for (_, head), answer in merged.items():
        found[head] = remember(base_sha, head, answer)
    return {head: answer for head, answer in found.items() if answer is not None}


async def merge_pairs(
    storage: Storage, repo_id: str, rules: str, pairs: Sequence[Pair]
) -> dict[Pair, Merged]:
    """How each pair of commits merges, with the attributes at the commit ``rules``; full ids. The trees
    are gone when this returns."""
    require_object_ids(rules, *(sha for pair in pairs for sha in pair))
    found: dict[Pair, Merged] = {}
    for start in range(0, len(pairs), BATCH):
        async with storage.shared(repo_id):
            found |= await _merge_batch(storage, repo_id, rules, pairs[start : start + BATCH])
    return found


async def _merge_batch(
    storage: Storage, repo_id: str, rules: str, pairs: Sequence[Pair]
) -> dict[Pair, Merged]:
    async with storage.scratch() as folder:
        aside = objects_aside(folder, storage.path(repo_id))
        attributes = await write_attributes(storage, repo_id, rules, folder)
        try:
            answer = await storage.git(
                repo_id,
                ["-c", f"core.attributesFile={attributes}",
                 "merge-tree", "--write-tree", "--messages", "--name-only", "--stdin"],
                env=command.child_env(aside),
                stdin="".join(f"{one} {other}\n" for one, other in pairs).encode(),
                niceness=NICENESS,
            )  # fmt: skip
        except GitFailed:
            return {
                pair: await merge_tree(storage, repo_id, attributes, *pair, aside) for pair in pairs
            }
    return dict(zip(pairs, _read(answer.stdout, pairs), strict=True))


def _read(answer: bytes, pairs: Sequence[Pair]) -> Iterator[Merged]:
    """Each merge is ``<1 if it is clean> NUL`` and what `read_merge` takes."""
    fields = iter(answer.decode(errors="replace").split("\0"))
    for one, other in pairs:
        yield read_merge(fields, one, other, clean=next(fields) == "1")
