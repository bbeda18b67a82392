"""Responses over gRPC that a healthy server does not send, from a scripted server; every wait is skipped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from qdrant_client import AsyncQdrantClient
from qdrant_client import grpc as messages

from connector.domain.errors import AuthenticationFailed, PointsRejected, RateLimited, SinkMismatch, Unavailable
from connector.qdrant.connection import Connection, Transport, sending_channels
from connector.qdrant.sink import QdrantSink
from tests.contract.asset_points import asset_points
from tests.qdrant_server import free_port

pytestmark = pytest.mark.usefixtures("no_waiting")

Code = grpc.StatusCode


@dataclass(slots=True)
class Refusal:
    code: Any
    details: str = "words"
    trailers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class ScriptedQdrant:
    """Answers request n, after the version check, with `answers[n]`, then repeats the last one."""

    answers: list[Any]
    asked: list[str] = field(default_factory=list)

    def service(self, details: Any) -> Any:
        method = details.method.rpartition("/")[2]

        async def handle(_request: bytes, context: Any) -> Any:
            return await self._answer(method, context)

        return grpc.unary_unary_rpc_method_handler(
            handle, response_serializer=lambda message: message.SerializeToString()
        )

    async def _answer(self, method: str, context: Any) -> Any:
        if method == "HealthCheck":
            return messages.HealthCheckReply(title="qdrant", version="1.16.3")
        self.asked.append(method)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Refusal):
            await context.abort(answer.code, answer.details, answer.trailers)
        return answer


@asynccontextmanager
async def sink_answered(tmp_path: Path, *answers: Any) -> AsyncIterator[tuple[QdrantSink, ScriptedQdrant]]:
    script = ScriptedQdrant(list(answers))
    server = grpc.aio.server(handlers=[script])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sink = QdrantSink(f"http://127.0.0.1:{free_port()}", None, port, tmp_path)
    try:
        yield sink, script
    finally:
        await sink.close()
        await server.stop(None)


def counted(points: int) -> Any:
    return messages.CountResponse(result=messages.CountResult(count=points))


def updated(status: Any = messages.UpdateStatus.Completed) -> Any:
    return messages.PointsOperationResponse(result=messages.UpdateResult(operation_id=1, status=status))


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.INTERNAL, Code.ABORTED, Code.UNKNOWN, Code.DEADLINE_EXCEEDED])
async def test_a_transient_failure_is_tried_again(tmp_path: Path, code: Any) -> None:
    async with sink_answered(tmp_path, Refusal(code), counted(3)) as (sink, script):
        assert await sink.count("c", "index-1") == 3

    assert script.asked == ["Count", "Count"]


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        (Code.UNAUTHENTICATED, AuthenticationFailed),
        (Code.PERMISSION_DENIED, AuthenticationFailed),
        (Code.INVALID_ARGUMENT, SinkMismatch),
    ],
)
async def test_a_final_failure_is_not(tmp_path: Path, code: Any, ours: type[Exception]) -> None:
    async with sink_answered(tmp_path, Refusal(code)) as (sink, script):
        with pytest.raises(ours, match="words"):
            await sink.count("c", "index-1")

    assert script.asked.count("Count") == 1


async def test_a_collection_that_is_not_found_counts_nothing(tmp_path: Path) -> None:
    async with sink_answered(tmp_path, Refusal(Code.NOT_FOUND)) as (sink, _):
        assert await sink.count("c", "index-1") == 0


@pytest.mark.parametrize(("trailers", "wait"), [((("retry-after", "90"),), 90.0), ((), None)])
async def test_a_rate_limit_keeps_its_time(tmp_path: Path, trailers: tuple[tuple[str, str], ...], wait: float) -> None:
    async with sink_answered(tmp_path, Refusal(Code.RESOURCE_EXHAUSTED, trailers=trailers)) as (sink, _):
        with pytest.raises(RateLimited) as limited:
            await sink.count("c", "index-1")

    assert limited.value.retry_after == wait


async def test_a_short_rate_limit_is_waited_for(tmp_path: Path) -> None:
    limited = Refusal(Code.RESOURCE_EXHAUSTED, trailers=(("retry-after", "1"),))
    async with sink_answered(tmp_path, limited, counted(3)) as (sink, _):
        assert await sink.count("c", "index-1") == 3


@pytest.mark.parametrize("status", [messages.UpdateStatus.Acknowledged, messages.UpdateStatus.ClockRejected])
async def test_a_write_that_is_not_complete_is_not_acknowledged(tmp_path: Path, status: Any) -> None:
    async with sink_answered(tmp_path, updated(status)) as (sink, script):
        with pytest.raises(Unavailable, match="did not confirm"):
            await sink.replace(asset_points(), "c", ())

    assert set(script.asked) == {"Upsert"}


async def test_the_refused_point_is_found_by_halving(tmp_path: Path) -> None:
    """Four points, the last is bad."""
    bad = Refusal(Code.INVALID_ARGUMENT, "Wrong input: bad vector")
    points = asset_points(segments=4)
    async with sink_answered(tmp_path, bad, updated(), bad, updated(), bad) as (sink, script):
        with pytest.raises(PointsRejected, match="Wrong input: bad vector") as rejected:
            await sink.replace(points, "c", ())

    assert script.asked == ["Upsert"] * 5
    assert points.ids[3] in str(rejected.value)


async def test_serialized_points_are_sent_through_the_channels_of_the_client() -> None:
    """As a message through its stubs while it has none, for a version of the client that keeps them elsewhere."""
    script = ScriptedQdrant([updated()])
    server = grpc.aio.server(handlers=[script])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    client = AsyncQdrantClient(host="127.0.0.1", grpc_port=port, prefer_grpc=True, check_compatibility=False)
    connection = Connection(client, Transport.GRPC)
    request = messages.UpsertPoints(collection_name="c", wait=True).SerializeToString()
    try:
        channels = []
        for _ in range(2):
            channels.append(len(sending_channels(client)))
            answer = await connection.upsert(request)
            assert answer.result.status == messages.UpdateStatus.Completed
    finally:
        await connection.close()
        await server.stop(None)

    assert channels[0] == 0
    assert channels[1] > 0
    assert script.asked == ["Upsert"] * 2
