"""An index in a collection with an owner, on embedded storage, and an alias of the collection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from connector.domain.events import Event
from connector.domain.reindex_job import JobState, ReindexJob
from connector.domain.sink_model import CollectionSpec, Owner
from connector.ports import Observer
from connector.qdrant.sink import QdrantSink
from connector.reindex.moves import Move, find_move
from connector.settings.connector_settings import Settings, given_only
from connector.settings.reindex_jobs import save_job
from tests.fakes.source import FakeSource

OLD, NEW = "v1-marengo3.0", "v2-marengo3.0"
INTO = {"CONNECTOR_COLLECTION": "v2-{model}"}
OPTIONS = ("visual", "audio", "transcription")


def spec(name: str, model: str = "marengo3.0") -> CollectionSpec:
    return CollectionSpec(name, model, 512, OPTIONS)


class Place:
    """An index of marengo3.0 in a collection with an owner, and an alias of it."""

    def __init__(self, directory: Path, observe: Observer) -> None:
        self.directory = directory
        self.sink, self.source = QdrantSink("embedded", None, 0, directory, observe=observe), FakeSource()
        self.source.add_index("index-1")
        self.source.add_index("index-2", "marengo2.7")
        self.source.add_index("index-3", None)

    def settings(self, **given: Any) -> Settings:
        defaults = {"connector_indexes": "index-1", "connector_collection": "v1-{model}"}
        return given_only(twelvelabs_api_key="key", connector_data_dir=self.directory, **{**defaults, **given})

    async def move(self, changes: dict[str, str] | None = None, alias: str = "videos", **given: Any) -> Move:
        create_alias = given.pop("create_alias", False)
        return await find_move(
            alias,
            self.settings(**given),
            INTO if changes is None else changes,
            self.sink,
            self.source,
            create_alias=create_alias,
        )

    def begin(self, **changes: Any) -> ReindexJob:
        values: dict[str, Any] = {
            "alias": "videos",
            "number": 1,
            "from_collection": OLD,
            "to_collection": NEW,
            "changes": INTO,
            "before": {"CONNECTOR_COLLECTION": "v1-{model}"},
            "state": JobState.READY,
            "created_at": 1.0,
            "changed_at": 1.0,
        }
        job = ReindexJob(**{**values, **changes})
        save_job(self.directory, job)
        return job


def unseen(_: Event, /) -> None:
    """For a sink that nobody watches."""


@asynccontextmanager
async def reindex_place(directory: Path, observe: Observer = unseen) -> AsyncIterator[Place]:
    it = Place(directory, observe)
    await it.sink.ensure(spec(OLD), {})
    await it.sink.set_owner(OLD, "index-1", Owner("ledger", "label", {}))
    await it.sink.aliases.create("videos", OLD)
    yield it
    await it.sink.close()
