"""Samples of stored vectors: they tell what similarity is usual. Remembered, because all queries need the same ones."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from qdrant_client import models

from connector.domain.arrays import Float32
from connector.domain.errors import SinkMismatch
from connector.domain.nearness import ENOUGH
from connector.domain.points import ID_KEYS, is_own
from connector.domain.search_scope import PointScope
from connector.qdrant import point_filters
from connector.qdrant.query_batches import as_many, queries
from connector.qdrant.scope_filters import filter_of
from connector.qdrant.session import Session

SAMPLE = 100
REMEMBERED_SEC = 60.0
_MOST_REMEMBERED = 64
"""Samples; one of 100 vectors of 512 dimensions has 0.2 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentSample:
    """Segments with one named vector: their point ids and payloads, and the vectors, shape (segments, dimension).

    `complete` if there are no others.
    """

    point_ids: tuple[str, ...]
    payloads: tuple[Mapping[str, Any], ...]
    vectors: Float32
    complete: bool

    def lacks(self, scope: PointScope) -> bool:
        """True if other segments have to take the place of those that the scope leaves out."""
        return not self.complete and not all(self._within(scope))

    def cosines(self, vector: Float32, scope: PointScope) -> tuple[float, ...]:
        """The similarities to a vector, shape (dimension,), of the segments that the scope does not leave out."""
        if not self.point_ids:
            return ()
        rows = self.vectors[self._within(scope)]
        cosines = rows @ vector / (np.linalg.norm(rows, axis=1) * np.linalg.norm(vector))
        return tuple(cosines.tolist())

    def _within(self, scope: PointScope) -> list[bool]:
        return [
            point_id not in scope.without and (payload["index_id"], payload["indexed_asset_id"]) != scope.without_asset
            for point_id, payload in zip(self.point_ids, self.payloads, strict=True)
        ]


class SegmentSamples:
    """The first segments of a scope in the order of their ids. Ids are hashes, so this is a random sample.

    A sample is remembered for REMEMBERED_SEC seconds by the instance id of its collection, which a new collection and
    another one behind an alias do not share. One that is complete or very small is read for each query: it is cheap
    to read, and new segments change it much. `monotonic` in seconds. Raises what the methods of the Sink port raise.
    """

    def __init__(self, session: Session, monotonic: Callable[[], float]) -> None:
        self._session, self._monotonic = session, monotonic
        self._remembered: OrderedDict[tuple[str, str, PointScope], tuple[float, SegmentSample]] = OrderedDict()

    async def cosines(
        self, collection: str, instance_id: str | None, vectors: Mapping[str, Float32], scope: PointScope
    ) -> dict[str, tuple[float, ...]]:
        """Named vector -> cosine similarities of its sample to the vector given for it, shape (dimension,)."""
        whole = replace(scope, without=(), without_asset=None)
        samples = {name: it for name in vectors if (it := self._recalled(instance_id, name, whole))}
        read = await self._read(collection, [name for name in vectors if name not in samples], whole)
        self._remember(instance_id, read, whole)
        samples |= read
        lacking = [name for name, it in samples.items() if it.lacks(scope)]
        samples |= await self._read(collection, lacking, scope)
        if any(it.point_ids and it.vectors.shape[1] != len(vectors[name]) for name, it in samples.items()):
            self.forget()
            cause = "its vectors have another dimension than before: the alias was moved"
            raise SinkMismatch("search Qdrant collection", collection, cause, "Try again")
        return {name: samples[name].cosines(vector, scope) for name, vector in vectors.items()}

    def forget(self) -> None:
        self._remembered.clear()

    def _recalled(self, instance_id: str | None, name: str, scope: PointScope) -> SegmentSample | None:
        at, sample = self._remembered.get((instance_id or "", name, scope), (0.0, None))
        return sample if sample and self._monotonic() - at < REMEMBERED_SEC else None

    def _remember(self, instance_id: str | None, samples: Mapping[str, SegmentSample], scope: PointScope) -> None:
        if not instance_id:
            return
        for name, sample in samples.items():
            if not sample.complete and len(sample.point_ids) >= ENOUGH:
                self._remembered.pop((instance_id, name, scope), None)
                self._remembered[instance_id, name, scope] = (self._monotonic(), sample)
        while len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)

    async def _read(self, collection: str, names: Sequence[str], scope: PointScope) -> dict[str, SegmentSample]:
        async def first(count: int) -> dict[str, SegmentSample]:
            answers = await queries(self._session, collection, [_first(name, scope, count) for name in names])
            pages = zip(names, answers, strict=True)
            return {name: _sample(name, points, complete=len(points) < count) for name, points in pages}

        return await as_many(first, most=SAMPLE, least=1) if names else {}


def _first(name: str, scope: PointScope, limit: int) -> models.QueryRequest:
    """Without a query, Qdrant answers in the order of the ids."""
    only = point_filters.having(name, filter_of(scope))
    return models.QueryRequest(filter=only, limit=limit, with_payload=[*ID_KEYS], with_vector=[name])


def _sample(name: str, points: Sequence[models.ScoredPoint], *, complete: bool) -> SegmentSample:
    own = [
        (str(it.id), it.payload, it.vector[name])
        for it in points
        if isinstance(it.vector, dict) and it.payload and is_own(str(it.id), it.payload)
    ]
    return SegmentSample(
        point_ids=tuple(point_id for point_id, _, _ in own),
        payloads=tuple(payload for _, payload, _ in own),
        vectors=np.asarray([vector for _, _, vector in own], np.float32),
        complete=complete,
    )
