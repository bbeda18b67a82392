"""Connects to Qdrant: chooses the transport, checks the version."""

import asyncio
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from qdrant_client import AsyncQdrantClient, grpc

from connector.domain.errors import AuthenticationFailed, ConfigError, ConnectorError, SinkMismatch, Unavailable
from connector.domain.masking import hide
from connector.domain.network_variables import network_mistake, verification
from connector.domain.server_url import server_url
from connector.qdrant.embedded import EmbeddedClient
from connector.qdrant.failures import CollectionMissing, translated

OLDEST_SERVER = (1, 16)
TIMEOUT_SEC = 60
PROBE_SEC = 5

# Reconnects within seconds after an outage; gRPC's default waits up to two minutes. Without a pool of its own, a new
# client would fail at once while an earlier one waits to reconnect.
_GRPC_OPTIONS = {
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 2000,
    "grpc.use_local_subchannel_pool": 1,
}
_CONNECT = "connect to Qdrant at"
_WITHOUT_GRPC = "REST is used until gRPC responds, and is slower; check QDRANT_GRPC_PORT and the firewall"

_UPSERT = "/qdrant.Points/Upsert"
_ANSWER = grpc.PointsOperationResponse.FromString


class Transport(StrEnum):
    GRPC = "grpc"
    REST = "rest"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """The address of Qdrant: a server URL, or `embedded` for storage in the data directory."""

    url: str
    api_key: str | None
    grpc_port: int
    data_dir: Path
    environment: Mapping[str, str]

    @property
    def is_embedded(self) -> bool:
        return self.url == Transport.EMBEDDED

    @property
    def storage(self) -> Path:
        """The directory of embedded storage."""
        return self.data_dir / "qdrant"

    def __str__(self) -> str:
        """The address for messages: only scheme, host and port of the URL."""
        if self.is_embedded:
            return str(self.storage)
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


@dataclass(slots=True, eq=False)
class Connection:
    """An open client; `users` counts its requests in flight."""

    client: AsyncQdrantClient
    transport: Transport
    users: int = 0
    _upserts: int = 0

    async def version(self) -> str:
        if self.transport is Transport.EMBEDDED:
            return EmbeddedClient.version()
        return str((await self.client.info()).version)

    async def upsert(self, request: bytes) -> Any:
        """Send a serialized UpsertPoints over gRPC. Returns the PointsOperationResponse."""
        if channels := sending_channels(self.client):
            self._upserts += 1
            channel = channels[self._upserts % len(channels)]
            return await channel.unary_unary(_UPSERT, response_deserializer=_ANSWER)(request, timeout=TIMEOUT_SEC)
        return await self.client.grpc_points.Upsert(grpc.UpsertPoints.FromString(request), timeout=TIMEOUT_SEC)

    async def close(self) -> None:
        await self.client.close()


async def connect(address: Address) -> Connection:
    """Connect over gRPC; fall back to REST if gRPC cannot be reached.

    The first request opens embedded storage. Raises ConfigError (invalid URL), Unavailable, AuthenticationFailed,
    SinkMismatch (server too old).
    """
    if address.is_embedded:
        # EmbeddedClient wraps the vendor's synchronous client, which has the same methods.
        client = cast("AsyncQdrantClient", EmbeddedClient(address.storage))
        return Connection(client, Transport.EMBEDDED)
    hide([address.api_key or ""])
    check_url(address.url)
    try:
        return await _probed(address, Transport.GRPC)
    except (AuthenticationFailed, _TooOld):
        raise
    except ConnectorError as unreachable:
        connection = await _probed(address, Transport.REST)
        facts = {"qdrant": str(address), "port": address.grpc_port, "reason": unreachable.cause}
        _log().warning("qdrant.grpc_unreachable", **facts, next_step=_WITHOUT_GRPC)
        return connection


async def connect_grpc(address: Address) -> Connection | None:
    """Connect over gRPC only; None if that does not work now."""
    try:
        connection = await _probed(address, Transport.GRPC)
    except ConnectorError:
        return None
    _log().warning("qdrant.grpc_reached", qdrant=str(address), port=address.grpc_port)
    return connection


def _log() -> Any:
    """In a program that uses the search library, its own logging: structlog's default would print on stdout."""
    if structlog.is_configured():
        return structlog.get_logger(__name__)
    rendering = [structlog.processors.KeyValueRenderer(key_order=["event"])]
    return structlog.wrap_logger(
        logging.getLogger(__name__), processors=rendering, wrapper_class=structlog.stdlib.BoundLogger
    )


def check_url(url: str) -> None:
    """Raises ConfigError for an invalid server URL."""
    try:
        server_url(url)
    except ValueError as error:
        raise ConfigError("use QDRANT_URL", "", str(error), "To try it without a server, use embedded") from None


def sending_channels(client: AsyncQdrantClient) -> Sequence[Any]:
    """The client's gRPC channels, which add its key and translate its errors; empty if this client keeps none there.

    Its stubs take messages only: they would parse the vectors of each request, and serialize them once more.
    """
    remote: Any = client._client  # noqa: SLF001  no public way to them
    return getattr(remote, "_grpc_channel_pool", ())


class _TooOld(SinkMismatch):
    """The server is too old for our layout."""


async def _probed(address: Address, transport: Transport) -> Connection:
    connection = Connection(_client(address, transport), transport)
    try:
        async with asyncio.timeout(PROBE_SEC):
            with translated(_CONNECT, str(address)):
                _check_version(address, await connection.version())
    except CollectionMissing as error:
        await connection.close()
        raise Unavailable(
            _CONNECT, str(address), "no Qdrant responds there", "Check QDRANT_URL", side="sink"
        ) from error
    except TimeoutError as error:
        await connection.close()
        cause = f"no response within {PROBE_SEC} seconds"
        raise Unavailable(_CONNECT, str(address), cause, "Check QDRANT_URL and the network", side="sink") from error
    except BaseException:
        await connection.close()
        raise
    return connection


def _client(address: Address, transport: Transport) -> AsyncQdrantClient:
    # Qdrant in a private network runs without TLS; docs/configuration.md says when to use https.
    warnings.filterwarnings("ignore", message="Api key is used with an insecure connection", category=UserWarning)
    try:
        return AsyncQdrantClient(
            url=address.url,
            api_key=address.api_key,
            grpc_port=address.grpc_port,
            prefer_grpc=transport is Transport.GRPC,
            grpc_options=dict(_GRPC_OPTIONS),
            timeout=TIMEOUT_SEC,
            check_compatibility=False,
            verify=verification(address.url, address.environment),
        )
    except Exception as error:
        if known := network_mistake(_CONNECT, str(address), error, address.environment):
            raise known from None
        if not isinstance(error, ValueError):
            raise
        advice = "Check QDRANT_URL and QDRANT_API_KEY for invalid characters"
        raise ConfigError(_CONNECT, str(address), type(error).__name__, advice) from None


def _check_version(address: Address, version: str) -> None:
    numbers = version.split(".")
    if not all(part.isdigit() for part in numbers[:2]):
        return
    if tuple(map(int, numbers[:2])) < OLDEST_SERVER:
        oldest = ".".join(map(str, OLDEST_SERVER))
        raise _TooOld(
            _CONNECT, str(address), f"the server is {version}, {oldest} or later is required", "Upgrade Qdrant"
        )
