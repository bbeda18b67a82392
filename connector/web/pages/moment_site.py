"""What the asset page and the search need of the daemon."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from connector.engine.text_search import ModelMoments
from connector.web.asset_view import AssetView


@dataclass(frozen=True, slots=True)
class MomentSite:
    """All of them raise ConnectorError. `find` takes the text, ids of indexes (none: all) and the limit of hits."""

    clock: Callable[[], float]
    """The wall clock, in seconds since the epoch."""
    asset: Callable[[str, str], Awaitable[AssetView | None]]
    """(index id, indexed asset id) -> what is known; None if nothing is."""
    find: Callable[[str, Sequence[str], int], Awaitable[list[ModelMoments]]]
    indexes: Callable[[], Awaitable[dict[str, str | None]]]
    """Index id -> name, of all indexes that can be searched."""
