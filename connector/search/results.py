"""What a search returns: moments, in one list per model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Moment:
    """A time range of a video; times are in seconds from its start.

    `score` orders one list and is not a similarity; `scores` maps the options by which the moment was found to its
    cosine similarity (-1 to 1) there, and `transcript-bm25` to the share of the text that is said (0 to 1). `options`
    are all embeddings that it has. `metadata` is the asset's `user_metadata`.

    `parts` are the segments of a moment that was merged from several, by time. `others` are further moments of the same
    asset, best first, if the search groups by asset.
    """

    index_id: str
    index_name: str | None
    indexed_asset_id: str
    asset_id: str | None
    filename: str | None
    start_sec: float
    end_sec: float
    score: float
    scores: Mapping[str, float]
    options: tuple[str, ...]
    transcript: str
    metadata: Mapping[str, Any]
    link: str | None
    model: str
    point_id: str
    created_at: str | None = None
    hls_url: str | None = None
    parts: tuple["Moment", ...] = ()
    others: tuple["Moment", ...] = ()


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments found in one collection, best first; iterate over it, or take `moments`.

    With `across_models`, there is one list for all models, by rank: `model` and `collection` are then empty. `error`
    says why this model could not be searched, if another one could.

    `near` is None unless the search asks for `near_only`: False if no segment is near, and the only moment is the best
    one; None if there are too few segments to tell, and all are listed.

    `complete` is True if nothing else fits the query; otherwise there may be more.
    """

    model: str
    collection: str
    moments: tuple[Moment, ...] = ()
    near: bool | None = None
    error: ConnectorError | None = None
    complete: bool = False

    def __iter__(self) -> Iterator[Moment]:
        return iter(self.moments)

    def __len__(self) -> int:
        return len(self.moments)

    def __getitem__(self, position: int) -> Moment:
        return self.moments[position]
