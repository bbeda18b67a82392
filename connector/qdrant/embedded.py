"""Embedded storage: the vendor's synchronous local mode, in its own thread so that it does not block the event loop."""

import asyncio
import fcntl
import importlib.metadata
import warnings
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient, models

from connector.domain.errors import SinkUnavailable
from connector.qdrant.failures import EmbeddedExists, EmbeddedMissing

_OPEN = "open embedded Qdrant storage in"
_IN_USE = "Stop the other process, or run a Qdrant server and set QDRANT_URL to it"
_UNUSABLE = "Check the directory's permissions and free space; if the storage is damaged, move it away and sync again"


class EmbeddedClient:
    """Has the methods of AsyncQdrantClient that the sink uses; runs them in the one thread that owns the storage.

    Every method raises SinkUnavailable, naming the directory, if another process uses it or it cannot be opened. Only
    creating the first collection creates the storage; reading from a missing storage creates nothing.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-qdrant")
        self._client: QdrantClient | None = None

    @staticmethod
    def version() -> str:
        return f"embedded {importlib.metadata.version('qdrant-client')}"

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        return partial(self._call, method)

    async def close(self) -> None:
        """Close after the requests in flight."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def _call(self, method: str, **arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, method, arguments)

    def _run(self, method: str, arguments: dict[str, Any]) -> Any:
        if self._client is None:
            if method == "get_collections" and not self._exists():
                return models.CollectionsResponse(collections=[])
            if method != "create_collection" and not self._exists():
                raise EmbeddedMissing("there is no storage yet")
            self._client = _open(self._directory)
        if name := arguments.get("collection_name"):
            _check_existence(self._client, method, name)
        return getattr(self._client, method)(**arguments)

    def _exists(self) -> bool:
        return (self._directory / "meta.json").exists()

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()


def _check_existence(client: QdrantClient, method: str, collection: str) -> None:
    """Check first, because the vendor raises a bare ValueError for both cases and for invalid content."""
    exists = client.collection_exists(collection)
    if exists and method == "create_collection":
        raise EmbeddedExists(f"collection {collection}")
    if not exists and method != "create_collection":
        raise EmbeddedMissing(f"collection {collection}")


def _open(directory: Path) -> QdrantClient:
    _refuse_if_in_use(directory)
    # The vendor advises against more than 20,000 points. The documents say so; do not warn on stderr too.
    warnings.filterwarnings("ignore", message="Local mode is not recommended", category=UserWarning)
    try:
        return QdrantClient(path=str(directory))
    except Exception as error:
        raise SinkUnavailable(_OPEN, str(directory), f"{type(error).__name__}: {error}", _UNUSABLE) from error


def _refuse_if_in_use(directory: Path) -> None:
    """Check the lock first: the vendor loads everything before it checks, and leaves its files open."""
    lock = directory / ".lock"
    if not lock.exists():
        return
    with lock.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            cause = "it is in use by another process"
            raise SinkUnavailable(_OPEN, str(directory), cause, _IN_USE) from None
