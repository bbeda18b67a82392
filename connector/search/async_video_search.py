"""`AsyncVideoSearch`: search what the connector wrote, from asyncio programs."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from connector.domain.errors import ConfigError, ConnectorError, SinkMismatch, Unavailable
from connector.domain.marengo import canonical
from connector.domain.query_media import MediaKind
from connector.search import query_inputs
from connector.search.moment_links import link_maker
from connector.search.moment_request import MomentRequest, SearchOptions, checked, query_text
from connector.search.query_inputs import SearchQueryInput, SegmentQuery, VectorQuery, media, segment_query
from connector.search.rankings import across
from connector.search.results import Moments
from connector.search.search_places import API_URL, OVERSAMPLING, TEMPLATE, SearchPlaces, places_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from connector.domain.arrays import Float32
    from connector.search.moment_finder import MomentFinder
    from connector.search.video_catalog import VideoCatalog
    from connector.settings.connector_settings import Settings

T = TypeVar("T")


class AsyncVideoSearch:
    """Searches the collections of the connector. Belongs to the event loop that uses it first.

    Close it, or use it as a context manager.

    The clients are imported when the context is entered, or else by the first query, which also connects. All methods
    raise ConnectorError: ConfigError for a mistake in the arguments, AuthenticationFailed, RateLimited, Unavailable,
    SinkMismatch if there is nothing to search.
    """

    _finder: "MomentFinder | None"

    def __init__(
        self,
        qdrant_url: str,
        *,
        qdrant_api_key: str | None = None,
        qdrant_grpc_port: int = 6334,
        data_dir: str | Path = "data",
        twelvelabs_api_key: str | None = None,
        twelvelabs_base_url: str = API_URL,
        collection: str = TEMPLATE,
        collections: Sequence[str] = (),
        link_base_url: str = "",
        link_template: str | None = None,
        timeout_sec: float = 30.0,
        oversampling: float | None = OVERSAMPLING,
    ) -> None:
        """`qdrant_url` is a server's URL, or `embedded` for the storage in `data_dir`.

        The key of TwelveLabs is needed for queries by text, image and audio only. `collection` is the template of the
        connector (CONNECTOR_COLLECTION); `collections` names all collections or aliases to search instead. Links lead
        to the status page at `link_base_url`, or follow `link_template`, such as "/watch/{asset_id}?t={start_sec}".
        A query fails after `timeout_sec` seconds. Of a quantized collection, `oversampling` times the segments are
        found, and the best are chosen by their full vectors; None leaves that to Qdrant. Raises ConfigError.
        """
        template = query_inputs.check_template(collection)
        places = SearchPlaces(
            qdrant_url=query_inputs.check_qdrant_url(qdrant_url),
            qdrant_api_key=qdrant_api_key,
            qdrant_grpc_port=qdrant_grpc_port,
            data_dir=Path(data_dir),
            twelvelabs_api_key=twelvelabs_api_key,
            twelvelabs_base_url=twelvelabs_base_url,
            collection_of=lambda model, index_id: template.format(model=model, index_id=index_id),
            collections=query_inputs.collection_names(collections),
            oversampling=query_inputs.check_oversampling(oversampling),
        )
        self._set_up(places, link_base_url, link_template, timeout_sec)

    @classmethod
    def from_settings(
        cls,
        settings: "Settings | None" = None,
        *,
        config: str | Path | None = None,
        collections: Sequence[str] = (),
        indexes: Sequence[str] | None = None,
        link_base_url: str = "",
        link_template: str | None = None,
        timeout_sec: float = 30.0,
        oversampling: float | None = OVERSAMPLING,
    ) -> Self:
        """With the connector's settings: environment, `.env`, secret files and `config`, as its commands read them.

        Searches `indexes`, or those of CONNECTOR_INDEXES. Raises one ConfigError that names every mistake.
        """
        if settings is None:
            from connector.settings.loading import load  # noqa: PLC0415  slow

            settings, _ = load(Path(config) if config else None, needs_account=False)
        configured = () if settings.connector_indexes == ("*",) else settings.connector_indexes
        self = cls.__new__(cls)
        names = query_inputs.collection_names(collections)
        more = query_inputs.check_oversampling(oversampling)
        places = places_of(settings, names, configured if indexes is None else indexes, more)
        self._set_up(places, link_base_url, link_template, timeout_sec)
        return self

    async def query(self, text: str, **options: Unpack[SearchOptions]) -> list[Moments]:
        """The moments that match a text: one list per collection, newest model first, each best first.

        Each collection is searched with a vector of its own model. `SearchOptions` says what the options mean.

        Raises ConfigError for a mistake, which names what is known; AuthenticationFailed, RateLimited or Unavailable if
        TwelveLabs or Qdrant does not answer; SinkMismatch if there is no collection. If one of several models fails,
        its list has the error.
        """
        request = checked(query_text(text), **options)
        return _answered(await self.lists(request.text, request))

    async def query_image(self, image: str | bytes | Path, **options: Unpack[SearchOptions]) -> list[Moments]:
        """As `query`, for an image: a URL that TwelveLabs can read, a file, or its content.

        `marengo2.7` takes URLs only.
        """
        return await self._by_media("image", image, options)

    async def query_audio(self, audio: str | bytes | Path, **options: Unpack[SearchOptions]) -> list[Moments]:
        """As `query`, for a sound: a URL that TwelveLabs can read, a file, or its content.

        `marengo2.7` takes URLs only.
        """
        return await self._by_media("audio", audio, options)

    async def query_vector(
        self, vector: "ArrayLike", *, model: str | None = None, **options: Unpack[SearchOptions]
    ) -> list[Moments]:
        """As `query`, for a vector of shape (dimension,), made by `model`, such as "marengo3.0".

        Without `model`, the dimension must fit the collections of one model only. Needs no key of TwelveLabs.
        """
        return _answered(await self.lists(VectorQuery(vector, model), checked(**options)))

    async def similar(
        self,
        index_id: str,
        indexed_asset_id: str,
        start_sec: float,
        *,
        other_assets_only: bool = False,
        **options: Unpack[SearchOptions],
    ) -> list[Moments]:
        """Moments like the stored segment of an asset that contains `start_sec`; never this segment itself.

        Each option is compared with the same option of the segment. Needs no key of TwelveLabs. Raises ConfigError if
        no segment of the asset contains this position.
        """
        place = segment_query(index_id, indexed_asset_id, start_sec, other_assets_only=other_assets_only)
        return _answered(await self.lists(place, checked(**options)))

    async def embed_text(self, text: str, *, model: str = "marengo3.0") -> "Float32":
        """The vector of a text, shape (dimension,), for searches of your own in the collection of this model.

        Raises ConfigError if the text is empty or TwelveLabs rejects it, and what `query` raises.
        """
        words = query_text(text)
        return await self._in_time(lambda finder: finder.embedding.of(canonical(model) or model, words))

    async def close(self) -> None:
        """Close the connections. The search cannot be used afterwards."""
        self._check_loop()
        self._closed = True
        finder, self._finder = self._finder, None
        if finder:
            await finder.close()

    async def __aenter__(self) -> Self:
        """Imports the clients, which takes up to two seconds, so that no query has to."""
        await self._opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _set_up(self, places: SearchPlaces, base_url: str, template: str | None, timeout_sec: float) -> None:
        self._places, self._link = places, link_maker(base_url, template)
        self._timeout_sec = query_inputs.check_timeout(timeout_sec)
        self._finder = None
        self._closed = False
        self._opening: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def _by_media(self, kind: MediaKind, given: Any, options: SearchOptions) -> list[Moments]:
        request = checked(**options)
        return _answered(await self.lists(await asyncio.to_thread(media, kind, given), request))

    async def lists(self, query: SearchQueryInput, request: MomentRequest) -> list[Moments]:
        """For `connector search`: the errors of all models are in the lists; there is none without a collection."""
        lists = await self._in_time(lambda finder: finder.find(query, request, self._link))
        if request.across_models and lists:
            return [across(lists, request.limit, by_asset=request.group_by_asset)]
        return lists

    async def page(self, query: str | SegmentQuery, **options: Unpack[SearchOptions]) -> Moments:
        """For `connector mcp`: one list for all models; with any other limit, it begins the same."""
        request = checked(query_text(query) if isinstance(query, str) else "", **options)
        request = replace(request, across_models=True, paged=True)
        (found,) = _answered(await self.lists(request.text or query, request))
        return found

    async def _in_time(self, work: "Callable[[MomentFinder], Coroutine[Any, Any, T]]") -> T:
        try:
            async with asyncio.timeout(self._timeout_sec) as deadline:
                return await work(await self._opened())
        except TimeoutError:
            if not deadline.expired():
                raise
            cause = f"no result within {self._timeout_sec:g} seconds"
            raise Unavailable(
                "search", "", cause, "Check Qdrant and the network, or raise timeout_sec", side="sink"
            ) from None

    async def catalog(self) -> "VideoCatalog":
        """For `connector mcp`: what is stored, without a query."""
        finder = await self._opened()
        return finder.catalog(self._places.indexes)

    async def _opened(self) -> "MomentFinder":
        """In a thread, because the imports take up to a second."""
        if self._closed:
            raise ConfigError("search", "", "this search is closed", "Make a new one")
        self._check_loop()
        self._loop = asyncio.get_running_loop()
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._finder is not None:
                return self._finder
            self._finder = finder = await asyncio.to_thread(_open, self._places)
            return finder

    def _check_loop(self) -> None:
        """The connections work in the event loop that opened them only."""
        if self._loop not in (None, asyncio.get_running_loop()):
            advice = "Make one in each event loop, or use VideoSearch"
            raise ConfigError("search", "", "it belongs to the event loop that opened it, which is another one", advice)


def _answered(lists: list[Moments]) -> list[Moments]:
    """Raises SinkMismatch without any list, and the first error if no model could be searched."""
    if not lists:
        raise SinkMismatch(
            "search", "Qdrant", "it has no points of the connector to search", "Run `connector sync` first"
        )
    errors: list[ConnectorError] = [found.error for found in lists if found.error]
    if errors and not any(found.moments or not found.error for found in lists):
        raise errors[0]
    return lists


def _open(places: SearchPlaces) -> "MomentFinder":
    """Imports the clients; they connect on first use. Raises ConfigError."""
    from connector.search.opening import opened  # noqa: PLC0415  slow

    return opened(places)
