"""What the contract suite needs besides the port: reads stored points, and adds points of other programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from qdrant_client import models

from connector.domain.arrays import Float32
from connector.domain.sink_model import CollectionInfo
from connector.ports import Sink
from connector.qdrant.sink import QdrantSink
from tests.fakes.sink import FakeSink
from tests.fakes.sink_reading import FakePoint

FOREIGN_POINT = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True, slots=True)
class Stored:
    payload: dict[str, Any]
    vectors: dict[str, Float32]


class Bench(Protocol):
    """A sink under test, and direct access to its storage."""

    @property
    def sink(self) -> Sink: ...

    async def stored(self, collection: str) -> dict[str, Stored]:
        """All points by id."""

    async def make(
        self,
        collection: str,
        vectors: Mapping[str, int],
        distance: str,
        *,
        points: int = 0,
        sparse: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Create a collection of another program, with this many points; `sparse` maps a name to its modifier."""

    async def put(self, collection: str, points: Mapping[str, Stored]) -> None:
        """Store points without the sink."""

    async def alias(self, collection: str, name: str) -> None:
        """Give the collection this alias."""


@dataclass(frozen=True, slots=True)
class FakeBench:
    sink: FakeSink

    async def stored(self, collection: str) -> dict[str, Stored]:
        points = self.sink.stored[collection].points
        return {key: Stored(dict(point.payload), _unit(point.vectors)) for key, point in points.items()}

    async def make(
        self,
        collection: str,
        vectors: Mapping[str, int],
        distance: str,
        *,
        points: int = 0,
        sparse: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        named = {name: (size, distance) for name, size in vectors.items()}
        info = CollectionInfo(collection, points, named, sparse=sparse)
        self.sink.put_collection(info, {f"{i}": FakePoint({}, {"theirs": True}) for i in range(points)})

    async def put(self, collection: str, points: Mapping[str, Stored]) -> None:
        stored = self.sink.stored[collection].points
        stored |= {key: FakePoint(dict(point.vectors), dict(point.payload)) for key, point in points.items()}

    async def alias(self, collection: str, name: str) -> None:
        self.sink.aliases[name] = collection


@dataclass(frozen=True, slots=True)
class QdrantBench:
    sink: QdrantSink

    async def stored(self, collection: str) -> dict[str, Stored]:
        records, _ = await self.sink._session.once(
            "look", "", lambda on: on.client.scroll(collection_name=collection, limit=10_000, with_vectors=True)
        )
        return {str(record.id): Stored(record.payload or {}, _unit(record.vector)) for record in records}

    async def make(
        self,
        collection: str,
        vectors: Mapping[str, int],
        distance: str,
        *,
        points: int = 0,
        sparse: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        with_modifiers = {
            name: models.SparseVectorParams(modifier=models.Modifier(modifier)) for name, modifier in sparse.items()
        }
        named = {
            name: models.VectorParams(size=size, distance=models.Distance(distance)) for name, size in vectors.items()
        }
        theirs = [models.PointStruct(id=i, vector={}, payload={"theirs": True}) for i in range(points)]
        await self.sink._session.once(
            "make",
            "",
            lambda on: on.client.create_collection(
                collection_name=collection, vectors_config=named, sparse_vectors_config=with_modifiers
            ),
        )
        if theirs:
            await self.sink._session.once(
                "fill", "", lambda on: on.client.upsert(collection_name=collection, points=theirs, wait=True)
            )

    async def put(self, collection: str, points: Mapping[str, Stored]) -> None:
        structs = [
            models.PointStruct(
                id=key, vector={name: it.tolist() for name, it in point.vectors.items()}, payload=point.payload
            )
            for key, point in points.items()
        ]
        await self.sink._session.once(
            "put", "", lambda on: on.client.upsert(collection_name=collection, points=structs, wait=True)
        )

    async def alias(self, collection: str, name: str) -> None:
        create = models.CreateAlias(collection_name=collection, alias_name=name)
        operations = [models.CreateAliasOperation(create_alias=create)]
        await self.sink._session.once(
            "alias", "", lambda on: on.client.update_collection_aliases(change_aliases_operations=operations)
        )


def _unit(vectors: Any) -> dict[str, Float32]:
    """Qdrant normalizes vectors of Cosine collections."""
    return {
        name: (array := np.asarray(vector, np.float32)) / np.linalg.norm(array).astype(np.float32)
        for name, vector in vectors.items()
    }
