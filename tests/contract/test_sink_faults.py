"""Responses that a healthy server does not send, from a scripted server; every wait is skipped."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import ConfigError, PointsRejected, RateLimited, SinkMismatch, Unavailable
from connector.domain.points import AssetPoints
from connector.qdrant.sink import QdrantSink
from tests.contract.asset_points import asset_points
from tests.fakes.scripted_http import ScriptedServer, answer, scripted
from tests.qdrant_server import free_port

pytestmark = pytest.mark.usefixtures("no_waiting")

VERSION = answer(body={"title": "qdrant", "version": "1.16.3"})


def result(value: Any) -> bytes:
    return answer(body={"result": value, "status": "ok", "time": 0.0})


def refused(status: int, words: str, **headers: str) -> bytes:
    return answer(status, {"status": {"error": words}, "time": 0.0}, headers=headers)


COMPLETED = result({"operation_id": 1, "status": "completed"})


def counted(points: int) -> bytes:
    return result({"count": points})


def listed(points: AssetPoints) -> bytes:
    """All points of the asset on one page."""
    records = [{"id": id_, "payload": points.payload(row, ())} for row, id_ in enumerate(points.ids)]
    return result({"points": records, "next_page_offset": None})


@asynccontextmanager
async def sink_answered(tmp_path: Path, *answers: bytes) -> AsyncIterator[tuple[QdrantSink, ScriptedServer]]:
    """A sink over REST whose requests, after the version check, get these responses."""
    async with scripted([VERSION, *answers]) as server:
        sink = QdrantSink(f"http://127.0.0.1:{server.port}", None, free_port(), tmp_path)
        try:
            yield sink, server
        finally:
            await sink.close()


@pytest.mark.parametrize(
    "failure",
    [
        refused(500, "no space left on device"),
        refused(503, "starting"),
        answer(302, headers={"location": "/elsewhere"}),
        answer(200, b"<html>not qdrant</html>"),
        answer(200, b'{"result": {"count": 3}', cut=10),
        answer(200, {"result": None}),
    ],
)
async def test_a_transient_failure_is_tried_again(tmp_path: Path, failure: bytes) -> None:
    async with sink_answered(tmp_path, failure, counted(3)) as (sink, server):
        assert await sink.count("c", "index-1") == 3

    assert len(server.requests) == 3


async def test_tries_are_bounded(tmp_path: Path) -> None:
    async with sink_answered(tmp_path, refused(503, "starting")) as (sink, server):
        with pytest.raises(Unavailable, match="count points of collection c: HTTP 503 Scripted: starting"):
            await sink.count("c", "index-1")

    assert len(server.requests) == 1 + 4


async def test_a_short_rate_limit_is_waited_for(tmp_path: Path) -> None:
    limited = refused(429, "slow down", **{"Retry-After": "2"})
    async with sink_answered(tmp_path, limited, limited, counted(3)) as (sink, _):
        assert await sink.count("c", "index-1") == 3


@pytest.mark.parametrize(("headers", "wait"), [({"Retry-After": "90"}, 90.0), ({}, None)])
async def test_a_long_rate_limit_is_the_callers_to_wait(tmp_path: Path, headers: dict[str, str], wait: float) -> None:
    async with sink_answered(tmp_path, refused(429, "slow down", **headers)) as (sink, server):
        with pytest.raises(RateLimited, match="slow down") as limited:
            await sink.count("c", "index-1")

    assert (limited.value.retry_after, limited.value.side) == (wait, "sink")
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", ["acknowledged", "wait_timeout"])
async def test_a_write_that_is_not_complete_is_not_acknowledged(tmp_path: Path, status: str) -> None:
    """Qdrant responds 200 all the same."""
    unfinished = result({"operation_id": 1, "status": status})

    found = listed(asset_points())
    writes: list[tuple[list[bytes], Callable[[QdrantSink], Awaitable[None]]]] = [
        ([], lambda sink: sink.replace(asset_points(), "c", ())),
        ([found], lambda sink: sink.delete(["c"], "index-1", "asset-1")),
        ([found], lambda sink: sink.set_payload("c", "index-1", "asset-1", {"filename": "x"})),
    ]
    for before, write in writes:
        async with sink_answered(tmp_path, *before, unfinished) as (sink, _):
            with pytest.raises(Unavailable, match="did not confirm"):
                await write(sink)


async def test_a_write_is_verified_by_an_exact_count(tmp_path: Path) -> None:
    """If a replica lags, the count is repeated; points that stay missing are an error."""
    async with sink_answered(tmp_path, COMPLETED, counted(0), counted(2), counted(3)) as (sink, server):
        await sink.replace(asset_points(), "c", ())
    assert [json.loads(sent.body)["exact"] for sent in server.requests[2:]] == [True, True, True]

    async with sink_answered(tmp_path, COMPLETED, counted(0), counted(2)) as (sink, _):
        with pytest.raises(Unavailable, match="found 2 points after the write, expected 3"):
            await sink.replace(asset_points(), "c", ())


async def test_the_refused_point_is_found_by_halving(tmp_path: Path) -> None:
    """Four points, the third is bad: batches of 4, 2, then 2, 1 are sent."""
    bad = refused(400, "Wrong input: bad vector")
    async with sink_answered(tmp_path, bad, COMPLETED, bad, bad) as (sink, server):
        points = asset_points(segments=4)
        with pytest.raises(PointsRejected) as rejected:
            await sink.replace(points, "c", ())

    assert _sizes(server) == [4, 2, 2, 1]
    assert points.ids[2] in str(rejected.value)
    assert "12 to 18 seconds" in str(rejected.value)
    assert "Wrong input: bad vector" in str(rejected.value)


async def test_a_rate_limit_with_a_time_is_not_split(tmp_path: Path) -> None:
    """The batch is not too large, only too early."""
    async with sink_answered(tmp_path, refused(429, "slow down", **{"Retry-After": "90"})) as (sink, server):
        with pytest.raises(RateLimited):
            await sink.replace(asset_points(segments=4), "c", ())

    assert _sizes(server) == [4]


async def test_a_batch_over_a_limit_goes_in_halves(tmp_path: Path) -> None:
    """Qdrant gives no retry time if the batch exceeds the capacity of its rate limiter."""
    too_large = refused(429, "larger than rate limiter capacity")
    answers = [too_large, COMPLETED, COMPLETED, counted(0), counted(4)]
    async with sink_answered(tmp_path, *answers) as (sink, server):
        await sink.replace(asset_points(segments=4), "c", ())

    assert _sizes(server) == [4, 2, 2]


def _sizes(server: ScriptedServer) -> Sequence[int]:
    return [len(json.loads(sent.body)["points"]) for sent in server.requests if sent.method == "PUT"]


@pytest.mark.parametrize("version", ["1.15.5", "0.11.0", "1.9.0-rc"])
async def test_a_server_that_is_too_old_is_refused_with_both_versions(tmp_path: Path, version: str) -> None:
    async with scripted([answer(body={"title": "qdrant", "version": version})]) as server:
        sink = QdrantSink(f"http://127.0.0.1:{server.port}", None, free_port(), tmp_path)
        with pytest.raises(SinkMismatch, match=f"{version}, 1.16 or later"):
            await sink.version()


@pytest.mark.parametrize("version", ["1.16.0", "1.19.1", "2.0.0-dev", "dev"])
async def test_newer_and_unreleased_servers_are_accepted(tmp_path: Path, version: str) -> None:
    old = answer(body={"title": "qdrant", "version": version})
    async with scripted([old, result({"collections": []}), old]) as server:
        sink = QdrantSink(f"http://127.0.0.1:{server.port}", None, free_port(), tmp_path)
        assert await sink.version() == version
        await sink.close()


async def test_a_server_that_never_answers_is_given_up_soon(tmp_path: Path) -> None:
    """Long before the time-out of one request; this test really waits."""
    async with scripted([None]) as server:
        sink = QdrantSink(f"http://127.0.0.1:{server.port}", None, free_port(), tmp_path)
        with pytest.raises(Unavailable, match="no response within 5 seconds"):
            await sink.version()


async def test_what_is_no_qdrant_is_said_to_be_none(tmp_path: Path) -> None:
    async with scripted([answer(404, b"nothing here")]) as server:
        sink = QdrantSink(f"http://127.0.0.1:{server.port}", None, free_port(), tmp_path)
        with pytest.raises(Unavailable, match="no Qdrant responds there"):
            await sink.version()


@pytest.mark.parametrize("url", ["", "qdrant:6333", "ftp://host", "http://", "http://host:port", "http://[::1"])
async def test_an_unusable_url_is_a_configuration_error(tmp_path: Path, url: str) -> None:
    sink = QdrantSink(url, None, 6334, tmp_path)

    with pytest.raises(ConfigError, match="QDRANT_URL"):
        await sink.version()


async def test_a_key_that_no_header_can_carry_is_a_configuration_error(tmp_path: Path) -> None:
    sink = QdrantSink("http://127.0.0.1:1", "schlüssel", 1, tmp_path)

    with pytest.raises(ConfigError, match="QDRANT_API_KEY") as wrong:
        await sink.version()

    assert "schlüssel" not in str(wrong.value)


async def test_a_url_with_credentials_is_refused_without_showing_them(tmp_path: Path) -> None:
    sink = QdrantSink(f"http://user:hidden@127.0.0.1:{free_port()}", None, free_port(), tmp_path)

    with pytest.raises(ConfigError, match="user name or password") as refused:
        await sink.version()

    assert "hidden" not in str(refused.value)
