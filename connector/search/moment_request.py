"""A search, checked. Pure; every mistake raises ConfigError with its cure, before any request."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from connector.domain.errors import ConfigError
from connector.domain.marengo import named
from connector.domain.search_scope import Condition
from connector.search.payload_filters import Filters, conditions_of, number, overlapping, text
from connector.search.results import Moment

Rerank = Callable[[str, Sequence[Moment]], Sequence[float] | Awaitable[Sequence[float]]]
"""(text of the query, moments) -> one score for each moment, higher is better. The text is empty for other queries."""

MOST = 1000
CANDIDATES = 200
"""So many segments at least are looked at before they are merged, grouped or reranked."""
PAGED = 500
"""So many segments of each option are ranked for every page of a list."""
HEAVIEST = 1e6


class SearchOptions(TypedDict, total=False):
    """The options of every query.

    indexes: Index ids; all of this search by default.
    options: Embedding options, such as "visual"; all by default. `visual` also means `visual-text`. If the collection
        has sparse vectors of the transcripts, "transcript-bm25" is one more: the words of the text.
    weights: Option -> weight from 0 on; others have 1. Without weights, options are fused by RRF. With weights, the
        score is the sum of weight / (2 + rank) over the options, ranks from 0. Of the words, the share of the text that
        is said counts.
    time_range: (start, end) in seconds of the video; finds segments that overlap it.
    filters: Payload key or key of `user_metadata` -> value, list of values, or range such as {"gte": 3}; a tuple is the
        path of a nested key, and "goals[].player" a key of the objects in a list. `after` and `before` compare
        `created_at`. All must hold.
    limit: Most moments per list, 1 to 1000; 10 by default.
    group_by_asset: Only the best moment of each asset; `others` has its further ones.
    merge_gap_sec: Join segments of an asset that are at most so many seconds apart into one moment.
    rerank: (text, moments) -> one score for each moment, higher is better; may be a coroutine function.
    across_models: One list for all models, by rank, because their scores are not comparable.
    near_only: Only moments that are clearly nearer than most others; see `Moments.near`.
    """

    indexes: Sequence[str] | None
    options: Sequence[str] | None
    weights: Mapping[str, float] | None
    time_range: tuple[float, float] | None
    filters: Filters | None
    limit: int
    group_by_asset: bool
    merge_gap_sec: float | None
    rerank: Rerank | None
    across_models: bool
    near_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentRequest:
    """`indexes` is None for the default of the search; `options` is None for all.

    `paged` is for pages of a list: a longer one begins like a shorter one, and for a text it says if anything is near.
    """

    text: str
    indexes: tuple[str, ...] | None
    options: tuple[str, ...] | None
    weights: Mapping[str, float]
    conditions: tuple[Condition, ...]
    limit: int
    group_by_asset: bool
    merge_gap_sec: float | None
    rerank: Rerank | None
    across_models: bool
    near_only: bool
    paged: bool = False

    def weight(self, option: str) -> float:
        """Options without a weight have 1; `visual` also means `visual-text`."""
        return next((weight for name, weight in self.weights.items() if named([option], [name])), 1.0)

    @property
    def depth(self) -> int:
        """How many segments to read: more than the limit if several may become one, or the order may change."""
        if self.group_by_asset or self.merge_gap_sec is not None or self.rerank:
            return self.candidates or max(CANDIDATES, min(10 * self.limit, MOST))
        return self.limit

    @property
    def candidates(self) -> int | None:
        """How many segments of each option to rank; None for as many as `depth` needs."""
        return PAGED if self.paged else None

    @property
    def tells_near(self) -> bool:
        return self.near_only or (self.paged and bool(self.text))


def checked(query: str = "", **options: Unpack[SearchOptions]) -> MomentRequest:
    """Raises ConfigError, and TypeError for an unknown name."""
    if unknown := options.keys() - SearchOptions.__annotations__.keys():
        raise TypeError(f"unexpected keyword argument {min(unknown)!r}")
    limit: Any = options.get("limit", 10)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST:
        raise ConfigError("search", "limit", f"{limit!r} is not a whole number from 1 to {MOST}", "Use 10, for example")
    gap, rerank = options.get("merge_gap_sec"), options.get("rerank")
    if gap is not None and number(gap, "merge_gap_sec") < 0:
        raise ConfigError("search", "merge_gap_sec", f"{gap!r} is negative", "Use 0 to merge what touches or overlaps")
    if rerank is not None and not callable(rerank):
        raise ConfigError(
            "search", "rerank", f"{rerank!r} is not callable", "Pass a function (text, moments) -> scores"
        )
    return MomentRequest(
        text=query,
        indexes=_names(options.get("indexes"), "indexes"),
        options=_names(options.get("options"), "options"),
        weights=_weights(options.get("weights")),
        conditions=(*conditions_of(options.get("filters")), *overlapping(options.get("time_range"))),
        limit=limit,
        group_by_asset=bool(options.get("group_by_asset")),
        merge_gap_sec=None if gap is None else float(gap),
        rerank=rerank,
        across_models=bool(options.get("across_models")),
        near_only=bool(options.get("near_only")),
    )


def query_text(value: Any) -> str:
    """Without white space around it. Raises ConfigError if nothing is left."""
    words = text(value, "text").strip()
    if not words:
        raise ConfigError("search", "text", "it is empty", "Give the words to search for, such as 'goal celebration'")
    return words


def _names(given: Any, name: str) -> tuple[str, ...] | None:
    if given is None:
        return None
    if isinstance(given, str) or not isinstance(given, Sequence | set | frozenset):
        raise ConfigError("search", name, f"{given!r} is not a list of names", f"Use {name}=[{given!r}]")
    found = tuple(dict.fromkeys(text(it, name) for it in given))
    if not found or not all(found):
        raise ConfigError("search", name, "it names nothing", f"Omit {name} for all, or name some")
    return found


def _weights(given: Any) -> Mapping[str, float]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigError("search", "weights", f"{given!r} is not a mapping", 'Use {"transcription": 2}')
    weights = {text(name, "weights"): number(it, f"weight of {name}") for name, it in given.items()}
    for name, weight in weights.items():
        if not 0 <= weight <= HEAVIEST:
            raise ConfigError(
                "search", f"weight of {name}", f"{weight:g} is not from 0 to {HEAVIEST:,.0f}", "Use 0 to 10"
            )
    return weights
