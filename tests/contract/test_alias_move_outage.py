"""Qdrant ends right after it has moved an alias: the error says what is not known, and the next move goes on."""

from pathlib import Path

import pytest

from connector.domain.errors import SinkUnavailable
from connector.domain.events import Event, SinkRequestEnded
from connector.domain.reindex_job import JobState, ReindexJob
from connector.qdrant.sink import QdrantSink
from connector.reindex.alias_move import move_alias, settle
from connector.settings.reindex_jobs import read_jobs, save_job
from tests.contract.reindex_place import INTO, NEW, OLD, spec
from tests.qdrant_server import server_for_tests


async def test_a_move_that_cannot_be_read_back(qdrant_binary: Path, tmp_path: Path) -> None:
    def end_the_server(event: Event, /) -> None:
        if begun and isinstance(event, SinkRequestEnded) and event.operation == "change Qdrant alias":
            server.stop()

    begun = False
    job = ReindexJob("videos", 1, OLD, NEW, INTO, dict.fromkeys(INTO), JobState.READY, 1.0, 1.0)
    save_job(tmp_path, job)
    with server_for_tests(qdrant_binary, tmp_path / "qdrant") as server:
        server.start()
        sink = QdrantSink(server.url, None, server.grpc_port, tmp_path, observe=end_the_server)
        for name in (OLD, NEW):
            await sink.ensure(spec(name), {})
        await sink.aliases.create("videos", OLD)
        begun = True

        with pytest.raises(SinkUnavailable, match=r"whether it was moved is not known.*run it again"):
            await move_alias(tmp_path, job, sink, back=False)

        begun = False
        server.start()
        (left,) = read_jobs(tmp_path)
        assert left.state is JobState.SWITCHING
        alias_at = await sink.aliases.target("videos")
        assert alias_at == NEW
        assert settle(tmp_path, left, alias_at).state is JobState.SWITCHED
        await sink.close()
