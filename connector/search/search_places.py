"""Where a search finds everything: addresses, keys, collections. Opens nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.settings.connector_settings import Settings

API_URL = "https://api.twelvelabs.io/v1.3"
TEMPLATE = "twelvelabs-{model}"
OVERSAMPLING = 2.0


@dataclass(frozen=True, slots=True, repr=False)
class SearchPlaces:
    """`collection_of` maps (model, index id) to the configured name of a collection.

    With `collections`, only these are searched; otherwise all of the connector's. `indexes` are searched if a query
    names none; empty means all. `oversampling` is for quantized vectors; None leaves it to Qdrant.
    """

    qdrant_url: str
    qdrant_api_key: str | None
    qdrant_grpc_port: int
    data_dir: Path
    twelvelabs_api_key: str | None
    twelvelabs_base_url: str
    collection_of: Callable[[str, str], str]
    collections: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    oversampling: float | None = OVERSAMPLING


def places_of(
    settings: "Settings",
    collections: Iterable[str] = (),
    indexes: Iterable[str] = (),
    oversampling: float | None = OVERSAMPLING,
) -> SearchPlaces:
    from connector.settings.loading import NO_KEY  # noqa: PLC0415  slow

    key, qdrant_key = settings.twelvelabs_api_key.get_secret_value(), settings.qdrant_api_key
    return SearchPlaces(
        qdrant_url=settings.qdrant_url,
        qdrant_api_key=qdrant_key.get_secret_value() if qdrant_key else None,
        qdrant_grpc_port=settings.qdrant_grpc_port,
        data_dir=settings.connector_data_dir,
        twelvelabs_api_key=None if key == NO_KEY else key,
        twelvelabs_base_url=settings.twelvelabs_base_url,
        collection_of=lambda model, index_id: settings.of_index(index_id).collection_name(model),
        collections=tuple(collections),
        indexes=tuple(indexes),
        requests_per_minute=settings.connector_requests_per_minute,
        oversampling=oversampling,
    )
