"""Compares the collections that the contenders wrote: equal ids, equal payloads, equal vectors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models

from benchmarks.contenders.task import OF_THE_CONNECTOR

SAMPLE = 200
_PAGE = 1000
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Written:
    """The points of a collection: payloads of all by id, named vectors of a sample."""

    payloads: Mapping[str, Mapping[str, Any]]
    vectors: Mapping[str, Mapping[str, list[float]]]
    keys: frozenset[str]
    """Which named vectors, payload keys and payload indexes the collection has."""


def read(client: QdrantClient, collection: str) -> Written:
    payloads = dict(_payloads(client, collection))
    ids = sorted(payloads)
    sampled = ids[:: max(1, len(ids) // SAMPLE)]
    records = client.retrieve(collection, sampled, with_payload=False, with_vectors=True)
    info = client.get_collection(collection)
    named = info.config.params.vectors
    assert isinstance(named, dict)
    keys = {f"vector {name}" for name in named} | {f"payload index {name}" for name in info.payload_schema}
    keys |= {f"payload key {name}" for payload in payloads.values() for name in payload}
    vectors = {str(record.id): _named(record) for record in records}
    return Written(payloads, vectors, frozenset(keys))


def differences(ours: Written, theirs: Written) -> list[str]:
    """What differs, up to a few examples; empty if both hold the same points."""
    found = [f"only one has {key}" for key in sorted(ours.keys ^ theirs.keys)]
    if ours.payloads.keys() != theirs.payloads.keys():
        both = len(ours.payloads.keys() & theirs.payloads.keys())
        return [*found, f"{len(ours.payloads)} points and {len(theirs.payloads)}, of which {both} have the same id"]
    for name, payload in ours.payloads.items():
        other = theirs.payloads[name]
        wrong = [key for key in payload if key not in OF_THE_CONNECTOR and payload[key] != other.get(key)]
        found += [f"{key} of point {name}: {payload[key]!r} and {other.get(key)!r}" for key in wrong]
        if len(found) > 5:
            break
    return found + [f"vectors of point {name} differ" for name in ours.vectors if not _equal(ours, theirs, name)][:5]


def _equal(ours: Written, theirs: Written, name: str) -> bool:
    one, other = ours.vectors[name], theirs.vectors[name]
    return one.keys() == other.keys() and all(
        np.allclose(one[option], other[option], rtol=0, atol=_TOLERANCE) for option in one
    )


def _payloads(client: QdrantClient, collection: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    following: Any = None
    while True:
        records, following = client.scroll(collection, limit=_PAGE, offset=following, with_payload=True)
        yield from ((str(record.id), record.payload or {}) for record in records)
        if following is None:
            return


def _named(record: models.Record) -> Mapping[str, list[float]]:
    assert isinstance(record.vector, dict)
    return {name: list(vector) for name, vector in record.vector.items() if isinstance(vector, list)}  # type: ignore[arg-type]
