"""Composition root: Settings -> Source, Sink, ledger, Engine. The only module that imports both vendor adapters."""

import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from connector.domain.errors import ConfigError
from connector.domain.index_settings import IndexSettings
from connector.domain.mapped_memory import keep_freed_memory
from connector.engine.cycle import Engine
from connector.engine.discovery import synced
from connector.ledger.ledger_opening import make_directory, open_store, owned
from connector.ports import CheckpointStore, Observer, Sink, Source
from connector.qdrant.sink import QdrantSink
from connector.settings.agreement import digest_of, endpoints_of
from connector.settings.connector_settings import Settings
from connector.settings.loading import network_variables, tracing_variables
from connector.telemetry.event_log import EventLog
from connector.telemetry.observers import Observers
from connector.telemetry.tracing import tracing
from connector.twelvelabs.rate_limiter import Limiter
from connector.twelvelabs.scanning_process import ScanningProcess
from connector.twelvelabs.source import TwelveLabsSource
from connector.twelvelabs.transport import ApiTransport

if TYPE_CHECKING:
    from connector.cluster.replica import Replica
    from connector.ledger.postgres.lease import Lease


@dataclass(frozen=True, slots=True)
class App:
    settings: Settings
    source: Source
    sink: Sink
    ledger: CheckpointStore
    engine: Engine
    observe: Observer = lambda _: None
    lease: "Lease | None" = None
    """What writes to a PostgreSQL ledger need besides; None for a file, to read only, or for a replica."""
    replica: "Replica | None" = None
    """Of a daemon on a PostgreSQL ledger, which shares it with others."""

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
    shared: bool = False,
    takeover_sec: float = 0.0,
    wall: Callable[[], float] = time.time,
    observe: Observer = lambda _: None,
    scanning: ScanningProcess | None = None,
) -> AsyncIterator[App]:
    """Open everything that a command needs. Read-only creates nothing and does not lock the ledger.

    `shared`: other processes may work on the same ledger, if it is in PostgreSQL.

    `takeover_sec`: seconds to wait for another owner to end. `scanning`: the process that scans long bodies, if it
    runs already.
    """
    keep_freed_memory()
    async with AsyncExitStack() as stack:
        opening = _opened_ledger(
            stack, settings, command, read_only=read_only, shared=shared, takeover_sec=takeover_sec
        )
        ledger, lease, replica = await opening
        traces = await stack.enter_async_context(tracing({} if read_only else tracing_variables()))
        observers = Observers(EventLog(settings.connector_max_attempts, wall=wall), observe, traces)
        source = make_source(settings, observers, replica.limiter if replica else None, scanning)
        stack.push_async_callback(source.close)
        sink = make_sink(settings, observers)
        stack.push_async_callback(sink.close)
        engine = Engine(
            source,
            sink,
            ledger,
            clock=wall,
            concurrency=settings.connector_concurrency,
            observe=observers,
            dispatch=replica.dispatcher if replica else None,
        )
        stack.push_async_callback(engine.workers.close)
        yield App(settings, source, sink, ledger, engine, observers, lease, replica)


async def _opened_ledger(
    stack: AsyncExitStack, settings: Settings, command: str, *, read_only: bool, shared: bool, takeover_sec: float
) -> "tuple[CheckpointStore, Lease | None, Replica | None]":
    """The ledger to read only, shared with other replicas, or owned by this process."""
    if read_only:
        return await stack.enter_async_context(open_store(settings.ledger, read_only=True)), None, None
    make_directory(settings.connector_data_dir)
    if shared and settings.ledger.url is not None:
        replica = await stack.enter_async_context(_joined(settings, takeover_sec))
        return replica.store, None, replica
    lease = await stack.enter_async_context(owned(settings.ledger, command, takeover_sec))
    return await stack.enter_async_context(open_store(settings.ledger, lease=lease)), lease, None


def _joined(settings: Settings, takeover_sec: float) -> "AbstractAsyncContextManager[Replica]":
    from connector.cluster.replica import join_ledger  # noqa: PLC0415  an extra

    limit = settings.connector_requests_per_minute
    return join_ledger(
        settings.ledger, cache(partial(digest_of, settings)), endpoints_of(settings), limit, takeover_sec
    )


def make_source(
    settings: Settings,
    observe: Observer = lambda _: None,
    limiter: Limiter | None = None,
    scanning: ScanningProcess | None = None,
) -> TwelveLabsSource:
    """`limiter`: the one that replicas share; None: one of its own. `scanning`: as for `open_app`."""
    transport = ApiTransport(
        settings.twelvelabs_base_url,
        settings.twelvelabs_api_key.get_secret_value(),
        limiter or Limiter(settings.connector_requests_per_minute),
        connections=settings.connector_concurrency + 2,
        observe=observe,
        environment=network_variables(),
    )
    return TwelveLabsSource(transport, scanning)


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
