"""Haystack: a retriever component with the fused search. Needs the extra `haystack`."""

from collections.abc import Mapping, Sequence
from datetime import date
from numbers import Integral, Real
from typing import Any, Self

from connector.domain.errors import ConfigError
from connector.search.frameworks.missing_extra import needs_extra
from connector.search.frameworks.moment_retrieval import MomentRetrieval, metadata_of, text_of
from connector.search.moment_request import SearchOptions, checked
from connector.search.results import Moment
from connector.search.search_places import API_URL, TEMPLATE
from connector.search.video_search import VideoSearch

with needs_extra("haystack", "haystack"):
    from haystack import Document, component, default_to_dict
    from haystack.utils import Secret, deserialize_secrets_inplace

_SECRETS = ("qdrant_api_key", "twelvelabs_api_key")
_HAYSTACK_FILTER = {"operator", "conditions", "field", "value"}


@component
class VideoDocumentRetriever:
    """Moments as documents, best first: the content is never empty, the meta has the video and the time range.

    Connects with its first run. `close` ends the connections; a later run opens them again.
    """

    def __init__(
        self,
        qdrant_url: str | None = None,
        *,
        qdrant_api_key: Secret | None = Secret.from_env_var("QDRANT_API_KEY", strict=False),  # noqa: B008  immutable
        qdrant_grpc_port: int = 6334,
        data_dir: str = "data",
        twelvelabs_api_key: Secret | None = Secret.from_env_var("TWELVELABS_API_KEY", strict=False),  # noqa: B008  same
        twelvelabs_base_url: str = API_URL,
        collection: str = TEMPLATE,
        collections: Sequence[str] = (),
        link_base_url: str = "",
        link_template: str | None = None,
        timeout_sec: float = 30.0,
        limit: int = 10,
        indexes: Sequence[str] | None = None,
        options: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
        time_range: Sequence[float] | None = None,
        filters: Mapping[Any, Any] | None = None,
        group_by_asset: bool = False,
        merge_gap_sec: float | None = None,
        near_only: bool = False,
    ) -> None:
        """The arguments of `VideoSearch` and of its `query`. Raises ConfigError for a mistake in those of the query.

        Without `qdrant_url`, the connector's settings are read: of the other arguments of `VideoSearch`, `collections`,
        the links and the time-out count then. `filters` are those of `query`, not Haystack's.
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        self._given = {name: _plain(value) for name, value in given.items()}
        self._options: SearchOptions = {
            "limit": limit,
            "indexes": indexes,
            "options": options,
            "weights": weights,
            "time_range": None if time_range is None else tuple(time_range),  # type: ignore[typeddict-item]  # checked
            "filters": _filters(filters),
            "group_by_asset": group_by_asset,
            "merge_gap_sec": merge_gap_sec,
            "near_only": near_only,
        }
        checked(**self._options)
        self._retrieval: MomentRetrieval | None = None

    def to_dict(self) -> dict[str, Any]:
        """Secrets as the names of their variables. Raises ValueError for one that was given as a token."""
        given = {name: it.to_dict() if isinstance(it, Secret) else it for name, it in self._given.items()}
        return default_to_dict(self, **given)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Takes filters as they are: one by a key `type` must not name a class to import."""
        given = dict(data.get("init_parameters", {}))
        deserialize_secrets_inplace(given, _SECRETS)
        given["filters"] = _loaded_filters(given.get("filters"))
        return cls(**given)

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, filters: dict[str, Any] | None = None, limit: int | None = None
    ) -> dict[str, list[Document]]:
        """`filters` and `limit` replace those of the component. Raises what `VideoSearch.query` raises."""
        found = self._opened().find(query, **_changes(filters, limit))
        return {"documents": [_document(moment) for moment in found]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: dict[str, Any] | None = None, limit: int | None = None
    ) -> dict[str, list[Document]]:
        """As `run`; does not block the event loop."""
        found = await self._opened().find_async(query, **_changes(filters, limit))
        return {"documents": [_document(moment) for moment in found]}

    def close(self) -> None:
        """End the connections."""
        retrieval, self._retrieval = self._retrieval, None
        if retrieval and isinstance(retrieval.search, VideoSearch):
            retrieval.search.close()

    def _opened(self) -> MomentRetrieval:
        if self._retrieval is None:
            self._retrieval = MomentRetrieval(self._search(), self._options)
        return self._retrieval

    def _search(self) -> VideoSearch:
        shared = {name: self._given[name] for name in ("collections", "link_base_url", "link_template", "timeout_sec")}
        if self._given["qdrant_url"] is None:
            return VideoSearch.from_settings(**shared)
        places = ("qdrant_url", "qdrant_grpc_port", "data_dir", "twelvelabs_base_url", "collection")
        secrets: dict[str, Any] = {name: it.resolve_value() if (it := self._given[name]) else None for name in _SECRETS}
        return VideoSearch(**shared, **secrets, **{name: self._given[name] for name in places})


def _changes(filters: dict[str, Any] | None, limit: int | None) -> SearchOptions:
    changes: SearchOptions = {}
    if filters is not None:
        changes["filters"] = _filters(filters)
    if limit is not None:
        changes["limit"] = limit
    return changes


def _filters(filters: Any) -> Any:
    """As given. Raises ConfigError for the syntax of Haystack."""
    if isinstance(filters, Mapping) and "operator" in filters and filters.keys() <= _HAYSTACK_FILTER:
        advice = 'Use {"category": "sports"}, or {"batch": {"gte": 3}}'
        raise ConfigError("search", "filters", "these are Haystack's, which this search does not read", advice)
    return filters


def _plain(value: Any) -> Any:
    """As YAML and JSON have it, with the same meaning. Filters with a path as a key become a list of pairs."""
    if isinstance(value, Mapping):
        pairs = [[_plain(key), _plain(it)] for key, it in value.items()]
        return dict(pairs) if all(isinstance(key, str) for key, _ in pairs) else pairs
    if isinstance(value, list | tuple):
        return [_plain(it) for it in value]
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value), key=repr)
    return value.isoformat() if isinstance(value, date) else _plain_number(value)


def _plain_number(value: Any) -> Any:
    """Numbers of numpy become those of Python; anything else stays."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def _loaded_filters(value: Any) -> Any:
    """From `_plain`."""
    if not isinstance(value, list):
        return value
    return {tuple(key) if isinstance(key, list) else key: it for key, it in value}


def _document(moment: Moment) -> Document:
    return Document(id=moment.point_id, content=text_of(moment), meta=metadata_of(moment), score=moment.score)
