"""`VideoSearch`: the same search for programs without asyncio."""

from collections.abc import Callable, Coroutine, Sequence
from functools import update_wrapper
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from connector.search.async_video_search import AsyncVideoSearch
from connector.search.loop_thread import LoopThread
from connector.search.search_places import API_URL, OVERSAMPLING, TEMPLATE

if TYPE_CHECKING:
    from connector.settings.connector_settings import Settings

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[AsyncVideoSearch, P], Coroutine[Any, Any, T]],
) -> "Callable[Concatenate[VideoSearch, P], T]":
    """The same method, which waits for the result."""

    def wait(self: "VideoSearch", /, *arguments: P.args, **named: P.kwargs) -> T:
        return self._thread.run(method(self._search, *arguments, **named))

    update_wrapper(wait, method)
    return wait


class VideoSearch:
    """`AsyncVideoSearch` with methods that wait for their result.

    Requests run in a thread with an event loop of its own, so it works in a notebook too, and several threads may share
    it. Close it, or use it as a context manager.
    """

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
        """See `AsyncVideoSearch`."""
        self._wrap(
            AsyncVideoSearch(
                qdrant_url,
                qdrant_api_key=qdrant_api_key,
                qdrant_grpc_port=qdrant_grpc_port,
                data_dir=data_dir,
                twelvelabs_api_key=twelvelabs_api_key,
                twelvelabs_base_url=twelvelabs_base_url,
                collection=collection,
                collections=collections,
                link_base_url=link_base_url,
                link_template=link_template,
                timeout_sec=timeout_sec,
                oversampling=oversampling,
            )
        )

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
        """See `AsyncVideoSearch.from_settings`."""
        self = cls.__new__(cls)
        self._wrap(
            AsyncVideoSearch.from_settings(
                settings,
                config=config,
                collections=collections,
                indexes=indexes,
                link_base_url=link_base_url,
                link_template=link_template,
                timeout_sec=timeout_sec,
                oversampling=oversampling,
            )
        )
        return self

    query = _blocking(AsyncVideoSearch.query)
    query_image = _blocking(AsyncVideoSearch.query_image)
    query_audio = _blocking(AsyncVideoSearch.query_audio)
    query_vector = _blocking(AsyncVideoSearch.query_vector)
    similar = _blocking(AsyncVideoSearch.similar)
    embed_text = _blocking(AsyncVideoSearch.embed_text)

    def close(self) -> None:
        """Close the connections and end the thread. The search cannot be used afterwards."""
        self._thread.run(self._search.close())
        self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wrap(self, search: AsyncVideoSearch) -> None:
        self._search, self._thread = search, LoopThread()
