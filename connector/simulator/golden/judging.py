"""Queries of the golden set, and which moments answer each of them. Judged by what was drawn, not by any vector."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from connector.simulator.golden.golden_videos import Entry, GoldenMoment
from connector.simulator.golden.vocabulary import ABSENT, Words
from connector.simulator.world.synonyms import GROUPS

QueryKind = Literal["exact", "paraphrased", "seen", "heard", "negative"]
KINDS: tuple[QueryKind, ...] = ("exact", "paraphrased", "seen", "heard", "negative")
Graded = list[tuple[GoldenMoment, int]]

_GROUP_OF = {group.split()[0]: group.split() for group in GROUPS}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A segment that answers a query: grade 2 fully, grade 1 in part. Times as on the wire, in seconds."""

    index_id: str
    indexed_asset_id: str
    start_sec: float
    end_sec: float
    grade: int


@dataclass(frozen=True, slots=True)
class GoldenQuery:
    """`judgements` is empty for a negative query: nothing fits. A segment that is not in it has the grade 0."""

    kind: QueryKind
    text: str
    judgements: tuple[Judgement, ...]


def exact_query(entry: Entry, form: int, moments: Sequence[GoldenMoment]) -> tuple[str, Graded]:
    """A name and a number; a number and what it belongs to; or a name and what it belongs to."""
    if form == 0:
        text = f"{entry.name} {entry.number}"
    else:
        text = f"{entry.family} {entry.number if form == 1 else entry.name}"

    def grade(other: Entry) -> int:
        if form < 2:
            return 2 if other.number == entry.number else 0
        if other.name != entry.name:
            return 0
        return 2 if other.family == entry.family else 1

    return text, _graded(moments, lambda it: 0 if it.entry is None else grade(it.entry))


def claim_query(claim: Words, moments: Sequence[GoldenMoment]) -> tuple[str, Graded]:
    """In other words than those that are said."""
    who, does, what = (in_other_words(word) for word in claim)
    return f"{what}: was it for the {who} to {does}", _graded(moments, lambda it: _grade(claim, it.claimed))


def seen_query(seen: Words, moments: Sequence[GoldenMoment], *, reworded: bool) -> tuple[str, Graded]:
    who, does, where = (in_other_words(word) if reworded else word for word in seen)
    return f"{where} with the {who}, {does}", _graded(moments, lambda it: _grade(seen, it.seen))


def heard_query(heard: Words, moments: Sequence[GoldenMoment], *, reworded: bool) -> tuple[str, Graded]:
    source, manner, room = (in_other_words(word) if reworded else word for word in heard)
    return f"{room} where there is a {source}, {manner}", _graded(moments, lambda it: _grade(heard, it.heard))


def negative_text(random: np.random.Generator) -> str:
    first, second = random.choice(len(ABSENT), size=2, replace=False).tolist()
    return f"{ABSENT[first]} {ABSENT[second]}"


def in_other_words(word: str) -> str:
    """The last synonym, or the word itself if it has none."""
    return _GROUP_OF.get(word, [word])[-1]


def _grade(asked: Words, found: Words) -> int:
    """2 if everything is right, 1 if only one thing is not."""
    if not found:
        return 0
    right = sum(one == other for one, other in zip(asked, found, strict=True))
    return max(0, right - 1)


def _graded(moments: Iterable[GoldenMoment], grade: Callable[[GoldenMoment], int]) -> Graded:
    return [(moment, value) for moment in moments if (value := grade(moment)) > 0]
