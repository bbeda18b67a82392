"""Composition root: Settings -> Source, Sink, ledger, Engine. The only module that imports both vendor adapters."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from connector.domain.errors import ConfigError, LedgerUnavailable
from connector.domain.index_settings import IndexSettings
from connector.engine.cycle import Engine
from connector.engine.discovery import synced
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ledger.lock import LockHeld, hold_lock, owning_command
from connector.ports import CheckpointStore, Observer, Sink, Source
from connector.qdrant.sink import QdrantSink
from connector.settings.connector_settings import Settings
from connector.settings.loading import network_variables
from connector.telemetry.event_log import EventLog
from connector.telemetry.observers import Observers
from connector.twelvelabs import ApiTransport, TwelveLabsSource
from connector.twelvelabs.rate_limiter import Limiter

_TAKEOVER_RETRY_SEC = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    settings: Settings
    source: Source
    sink: Sink
    ledger: CheckpointStore
    engine: Engine
    observe: Observer = lambda _: None

    async def indexes(self, only: Collection[str] = ()) -> list[IndexSettings]:
        """The indexes to sync. Raises ConfigError if there is none or `only` has an unknown id, and like `synced`."""
        configured = await synced(self.settings.connector_indexes, self.source, self.ledger)
        unknown_ids = sorted(set(only) - set(configured))
        if unknown_ids:
            advice = f"Configured indexes: {', '.join(configured) or 'none'}"
            raise ConfigError("select index", unknown_ids[0], "it is not in CONNECTOR_INDEXES", advice)
        return [self.settings.of_index(index_id) for index_id in configured if not only or index_id in only]


@asynccontextmanager
async def open_app(
    settings: Settings,
    command: str,
    *,
    read_only: bool = False,
    takeover_sec: float = 0.0,
    wall: Callable[[], float] = time.time,
    observe: Observer = lambda _: None,
) -> AsyncIterator[App]:
    """Open everything that a command needs. Read-only creates nothing and does not lock the ledger.

    `takeover_sec`: seconds to wait for another owner to end.
    """
    async with AsyncExitStack() as stack:
        if not read_only:
            _make_directory(settings.connector_data_dir)
            await _own(stack, settings.lock_path, command, takeover_sec)
        ledger = await stack.enter_async_context(SqliteCheckpointStore(settings.ledger_path, read_only=read_only))
        observers = Observers(EventLog(settings.connector_max_attempts, wall=wall), observe)
        source = make_source(settings, observers)
        stack.push_async_callback(source.close)
        sink = make_sink(settings, observers)
        stack.push_async_callback(sink.close)
        engine = Engine(source, sink, ledger, clock=wall, concurrency=settings.connector_concurrency, observe=observers)
        stack.push_async_callback(engine.workers.close)
        yield App(settings, source, sink, ledger, engine, observers)


async def _own(stack: AsyncExitStack, lock: Path, command: str, takeover_sec: float) -> None:
    """Lock the ledger. `owning_command()` takes the lock briefly, so fail only if a real owner is recorded."""
    deadline, told = time.monotonic() + max(takeover_sec, _TAKEOVER_RETRY_SEC), False
    while True:
        try:
            stack.enter_context(hold_lock(lock, command))
        except LockHeld as error:
            known = owning_command(lock) is not None
            if (known and not takeover_sec) or time.monotonic() >= deadline:
                raise
            if not told:
                log.warning("ledger.lock_refused", reason=str(error), waits_sec=takeover_sec)
            told = True
            await asyncio.sleep(_TAKEOVER_RETRY_SEC)
        else:
            return


def make_source(settings: Settings, observe: Observer = lambda _: None) -> TwelveLabsSource:
    transport = ApiTransport(
        settings.twelvelabs_base_url,
        settings.twelvelabs_api_key.get_secret_value(),
        Limiter(settings.connector_requests_per_minute),
        connections=settings.connector_concurrency + 2,
        observe=observe,
        environment=network_variables(),
    )
    return TwelveLabsSource(transport)


def make_sink(settings: Settings, observe: Observer = lambda _: None) -> QdrantSink:
    key = settings.qdrant_api_key
    return QdrantSink(
        settings.qdrant_url,
        key.get_secret_value() if key else None,
        settings.qdrant_grpc_port,
        settings.connector_data_dir,
        observe=observe,
        environment=network_variables(),
    )


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        advice = "Make it writable for this user, or set CONNECTOR_DATA_DIR"
        raise LedgerUnavailable("create data directory", str(path), str(error), advice) from error
