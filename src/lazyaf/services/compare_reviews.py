"""Which cards in review conflict with each other, so that it is known before the first is approved.

Only cards that go into the same branch and touch the same files are really merged with each other, each
pair of commits once: where the base moves to makes no difference to it. A card that does not merge with
its base is compared all the same, without the files in which the base is in its way.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from lazyaf.domain.events import SERVER, EventType
from lazyaf.git.attributes import attributes_of
from lazyaf.git.footprints import Footprint, footprints, overlapping
from lazyaf.git.merge_many import BATCH, Pair, merge_pairs
from lazyaf.services.announce import card_changed
from lazyaf.services.card_branch import FILES_KEPT
from lazyaf.services.context import Context
from lazyaf.services.measure_reviews import CHUNK, Review
from lazyaf.store.cards import CardRow, cards_in_review, update_card
from lazyaf.store.head_pairs import HeadPair, list_pairs, put_pairs, remove_pairs
from lazyaf.store.tx import Tx

MOST_PAIRS: Final = 5_000
"""Pairs of one base branch that are held against each other: a hundred cards that all touch one file. The
oldest cards come first; how many a card was not held against is told."""
TOLD_AFTER: Final = 1_000
"""Merges after which the cards are told what is known so far: some five seconds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Of the cards of one base: the pairs of heads to know, by the ids of their cards, those that have to
    be merged for it, by which attributes, and how many a card is not held against."""

    base_sha: str
    rules: str
    pairs: Mapping[frozenset[str], Pair]
    unknown: Sequence[Pair]
    left_out: Mapping[str, int]


@dataclass(slots=True)
class Verdict:
    """What is known of a card's head: the numbers of those it conflicts with, and how many are left out."""

    head_sha: str
    conflicts_with: list[int] = field(default_factory=list)
    uncompared: int = 0


Known = dict[Pair, HeadPair]


async def compare_reviews(
    ctx: Context, repo_id: str, reviews: Sequence[Review], is_over: Callable[[], bool]
) -> None:
    """Merge the pairs that are not known yet, and tell each card that is otherwise now. When it ``is_over``
    before, what was found out is kept for the next time."""
    known = {(p.one_sha, p.other_sha): p for p in await ctx.db.read(list_pairs, repo_id)}
    wanted: set[Pair] = set()
    in_order = sorted(reviews, key=lambda each: (each.base, each.card.number))
    for _, those in groupby(in_order, key=lambda each: each.base):
        group = list(those)
        plan = await _plan(ctx, repo_id, group, known)
        wanted.update(plan.pairs.values())
        for start in range(0, len(plan.unknown), TOLD_AFTER):
            async for found in _merged(ctx, repo_id, plan, start):
                known |= found
                if is_over():
                    return
            if start + TOLD_AFTER < len(plan.unknown):
                await _tell(ctx, repo_id, group, plan, known)
        await _tell(ctx, repo_id, group, plan, known)
    if gone := known.keys() - wanted:
        await ctx.db.write(remove_pairs, [known[key] for key in gone])


async def _plan(ctx: Context, repo_id: str, group: Sequence[Review], known: Known) -> Plan:
    """``group`` is by number."""
    base_sha = group[0].base_sha
    rules = hashlib.sha256(await attributes_of(ctx.git, repo_id, base_sha)).hexdigest()
    heads = [review.head_sha for review in group]
    found = await footprints(ctx.git, repo_id, base_sha, heads)
    pairs, left_out = await asyncio.to_thread(_choose, group, found)
    asked = dict.fromkeys(pairs.values())
    unknown = [key for key in asked if key not in known or known[key].rules != rules]
    return Plan(base_sha, rules, pairs, unknown, left_out)


def _choose(
    group: Sequence[Review], found: Mapping[str, Footprint]
) -> tuple[dict[frozenset[str], Pair], dict[str, int]]:
    """The pairs to know, the oldest cards' first, and how many of each card's are left out."""
    numbers = {review.card.id: review.card.number for review in group}
    at = {review.card.id: review.head_sha for review in group}
    whole = {card_id: found[head] for card_id, head in at.items() if found[head].is_whole}
    in_turn = sorted(
        overlapping(whole), key=lambda pair: sorted((numbers[i] for i in pair), reverse=True)
    )
    left_out: dict[str, int] = defaultdict(int)
    for pair in in_turn[MOST_PAIRS:]:
        for card_id in pair:
            left_out[card_id] += 1
    for card_id in numbers.keys() - whole.keys():
        left_out[card_id] = len(group) - 1
        for other in whole:
            left_out[other] += 1
    return {pair: _key(*(at[i] for i in pair)) for pair in in_turn[:MOST_PAIRS]}, left_out


def _key(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


async def _merged(ctx: Context, repo_id: str, plan: Plan, start: int) -> AsyncIterator[Known]:
    """Merge the next `TOLD_AFTER` of those that are not known; each batch is written down as it comes."""
    some = plan.unknown[start : start + TOLD_AFTER]
    for first in range(0, len(some), BATCH):
        merged = await merge_pairs(ctx.git, repo_id, plan.base_sha, some[first : first + BATCH])
        found = {
            key: HeadPair(repo_id, *key, plan.rules, answer.clean, answer.files[:FILES_KEPT])
            for key, answer in merged.items()
        }
        await ctx.db.write(put_pairs, list(found.values()))
        yield found


async def _tell(
    ctx: Context, repo_id: str, group: Sequence[Review], plan: Plan, known: Known
) -> None:
    cards = {card.id: card for card in await ctx.db.read(cards_in_review, repo_id)}
    verdicts = await asyncio.to_thread(_judge, group, plan, known, cards)
    ids = list(verdicts)
    for start in range(0, len(ids), CHUNK):
        some = {card_id: verdicts[card_id] for card_id in ids[start : start + CHUNK]}
        await ctx.db.write(_note, repo_id, some)


def _judge(
    group: Sequence[Review], plan: Plan, known: Known, cards: Mapping[str, CardRow]
) -> dict[str, Verdict]:
    verdicts = {
        review.card.id: Verdict(review.head_sha, uncompared=plan.left_out.get(review.card.id, 0))
        for review in group
    }
    numbers = {review.card.id: review.card.number for review in group}
    for pair, key in plan.pairs.items():
        one, other = pair
        if key not in known or not pair <= cards.keys():
            continue
        if conflicting_files(known[key], cards[one], cards[other]) is not None:
            verdicts[one].conflicts_with.append(numbers[other])
            verdicts[other].conflicts_with.append(numbers[one])
    return verdicts


def conflicting_files(pair: HeadPair, one: CardRow, other: CardRow) -> list[str] | None:
    """The files in which two cards are in each other's way, the base not counted; None when they are not.
    An empty list: they have no common history."""
    if pair.clean:
        return None
    if not pair.files:
        return []
    return sorted(set(pair.files) - set(one.conflicts) - set(other.conflicts)) or None


def _note(tx: Tx, repo_id: str, verdicts: Mapping[str, Verdict]) -> None:
    for card in cards_in_review(tx, repo_id):
        verdict = verdicts.get(card.id)
        if verdict is None or verdict.head_sha != card.head_sha:
            continue
        numbers = sorted(verdict.conflicts_with)
        if (card.conflicts_with, card.uncompared) != (numbers, verdict.uncompared):
            update_card(tx, card, {"conflicts_with": numbers, "uncompared": verdict.uncompared})
            card_changed(tx, EventType.CARD_UPDATED, card.id, SERVER)
