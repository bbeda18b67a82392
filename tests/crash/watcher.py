"""Looks at Qdrant from outside while everything changes: an asset that is still listed never loses its points."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from qdrant_client import QdrantClient, models

from connector.simulator import Control
from tests.e2e.oracle import Point, stored

PREFIX = "twelvelabs-"


@dataclass(slots=True)
class Watcher:
    """`held` are the assets that were seen with points, by index. `copies` are by collection and id.

    An asset leaves `held` when it is not listed any more, or when a test deletes points of it.
    """

    client: QdrantClient
    control: Control
    held: dict[str, set[str]] = field(default_factory=dict)
    copies: dict[tuple[str, str], Point] = field(default_factory=dict)

    def collections(self) -> list[str]:
        names = (it.name for it in self.client.get_collections().collections)
        return sorted(name for name in names if name.startswith(PREFIX))

    def look(self) -> None:
        """Asks the source last: what it still has then, it had when Qdrant was read."""
        for index_id in self.control.index_ids:
            counted = self._counted(index_id)
            suspects = [name for name in self.held.get(index_id, ()) if not counted[name]]
            found = {name for name in suspects if self._has_points(index_id, name)}
            listed = set(self.control.asset_ids(index_id))
            lost = [name for name in suspects if name in listed and name not in found]
            assert not lost, f"I3: {lost} of index {index_id} are listed and lost their points"
            self.held[index_id] = listed & ({name for name, points in counted.items() if points} | found)

    def forgive(self, index_id: str, asset_id: str) -> None:
        """Somebody else is about to delete all of its points."""
        self.held.get(index_id, set()).discard(asset_id)

    def points(self, index_id: str) -> dict[str, dict[str, Point]]:
        """Collection -> point id -> point, without the copies."""
        found = {name: stored(self.client, name, index_id) for name in self.collections()}
        return {
            name: {key: point for key, point in points.items() if (name, key) not in self.copies}
            for name, points in found.items()
        }

    def copy_a_point(self, random: Random, collection: str, point: Point) -> None:
        """Under an id of somebody else: it is not the connector's."""
        key = str(UUID(bytes=random.randbytes(16), version=4))
        copy = deepcopy(point)
        self.client.upsert(
            collection, [models.PointStruct(id=key, vector=copy["vectors"], payload=copy["payload"])], wait=True
        )
        self.copies[collection, key] = self._copy(collection, key)

    def check_copies(self) -> None:
        for (collection, key), point in self.copies.items():
            assert self._copy(collection, key) == point, f"copy {key} in {collection} was changed"

    def remove_copies(self) -> None:
        for collection, key in self.copies:
            self.client.delete(collection, [key], wait=True)
        self.copies.clear()

    def _copy(self, collection: str, key: str) -> Point:
        found = self.client.retrieve(collection, [key], with_vectors=True)
        assert found, f"copy {key} in {collection} was deleted"
        return {"payload": found[0].payload, "vectors": found[0].vector}

    def _counted(self, index_id: str) -> Counter[str]:
        return Counter(
            point["payload"]["indexed_asset_id"]
            for points in self.points(index_id).values()
            for point in points.values()
        )

    def _has_points(self, index_id: str, asset_id: str) -> bool:
        """Asked in both directions: a page of points, or a move to another collection, may pass by a reader."""
        names = self.collections()
        return any(self._count(name, index_id, asset_id) for name in [*names, *reversed(names)])

    def _count(self, collection: str, index_id: str, asset_id: str) -> int:
        wanted = {"index_id": index_id, "indexed_asset_id": asset_id}
        conditions: list[Any] = [
            models.FieldCondition(key=key, match=models.MatchValue(value=value)) for key, value in wanted.items()
        ]
        copies = [key for name, key in self.copies if name == collection]
        where = models.Filter(must=conditions, must_not=[models.HasIdCondition(has_id=list(copies))])
        return self.client.count(collection, where, exact=True).count
