"""The adapter on a scripted server, and the responses of such a server."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from connector.domain.source_model import Index
from connector.twelvelabs.source import TwelveLabsSource
from connector.twelvelabs.transport import ApiTransport
from tests.fakes.clock import FakeTime
from tests.fakes.scripted_http import ScriptedServer, answer, scripted

INDEX = Index("ix1", "news", "marengo3.0", ("visual", "audio"))
INVALID = answer(400, {"code": "parameter_invalid", "message": "embedding_option: no such option"})
NOT_THERE = answer(404, {"code": "not_found", "message": "no such asset"})


@asynccontextmanager
async def asking(*answers: bytes) -> AsyncIterator[tuple[TwelveLabsSource, ScriptedServer]]:
    async with scripted(answers) as server:
        source = TwelveLabsSource(ApiTransport(server.base_url, "tlk_test", clock=FakeTime().clock))
        try:
            yield source, server
        finally:
            await source.close()


def sent(server: ScriptedServer) -> list[tuple[str, list[tuple[str, str]]]]:
    """Path and query of each request."""
    return [(request.path.removeprefix("/v1.3"), request.query) for request in server.requests]


def page(names: Iterable[str | None], total: Any, pages: Any = 1) -> bytes:
    rows = [{"_id": name, "status": "ready"} for name in names]
    return answer(200, {"data": rows, "page_info": {"total_results": total, "total_page": pages}})


def asset(model: str | None = "marengo3.0", *options: str, status: str = "ready", **others: Any) -> bytes:
    segments = [
        {
            "start_offset_sec": 0,
            "end_offset_sec": 5,
            "embedding_option": option,
            "embedding_scope": "clip",
            "float": [1.0, 0.0],
        }
        for option in options
    ]
    embedding = {"model_name": model, "video_embedding": {"segments": segments}} if model else None
    return answer(200, {"_id": "a1", "status": status, "embedding": embedding, **others})
