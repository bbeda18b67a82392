"""The layout of our collections: vectors, stamp, payload indexes. Pure functions."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from qdrant_client import models

from connector.domain.bm25 import IDF, TRANSCRIPT_BM25
from connector.domain.errors import ConfigError
from connector.domain.sink_model import LAYOUT_VERSION, METADATA_TYPES, CollectionInfo, CollectionSpec, Owner

STAMP = "twelvelabs_connector"
_OWNER = "twelvelabs_connector_owner:"
DISTANCE = models.Distance.COSINE
_MISFIT_ADVICE = (
    "The collection was not changed. Set CONNECTOR_COLLECTION to another name to write all points to a new collection;"
    " if a vector is missing, omit it from CONNECTOR_EMBEDDING_OPTIONS to keep this one"
)
_SPARSE_ADVICE = (
    "The collection was not changed; Qdrant cannot add a sparse vector to it. `connector reindex` fills a second"
    " collection beside it, or set CONNECTOR_COLLECTION to another name to write all points to a new one;"
    " CONNECTOR_SPARSE_TRANSCRIPT=false keeps this one"
)

PayloadIndex = models.PayloadSchemaType | models.KeywordIndexParams

PAYLOAD_INDEXES: Mapping[str, PayloadIndex] = {
    "index_id": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
    "indexed_asset_id": models.PayloadSchemaType.KEYWORD,
    "embedding_options": models.PayloadSchemaType.KEYWORD,
    "embedding_scope": models.PayloadSchemaType.KEYWORD,
    "start_offset_sec": models.PayloadSchemaType.FLOAT,
    "end_offset_sec": models.PayloadSchemaType.FLOAT,
    "filename": models.PayloadSchemaType.KEYWORD,
    "created_at": models.PayloadSchemaType.DATETIME,
    "indexed_at": models.PayloadSchemaType.DATETIME,
    "transcript": models.PayloadSchemaType.TEXT,
    "revision": models.PayloadSchemaType.KEYWORD,
    "metadata_revision": models.PayloadSchemaType.KEYWORD,
}

_IDENTITY = ("model", "layout_version", "instance_id")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def stamp(spec: CollectionSpec, instance_id: str) -> dict[str, Any]:
    """The collection metadata that describes its points."""
    return {
        STAMP: {
            "model": spec.model,
            "dimension": spec.dimension,
            "options": list(spec.options),
            "layout_version": LAYOUT_VERSION,
            "instance_id": instance_id,
        }
    }


def owner_metadata(index_id: str, owner: Owner | None) -> dict[str, Any]:
    """Metadata that sets the owner of an index; None removes it.

    Each index has its own key. Qdrant merges metadata by key, so two connectors do not overwrite each other.
    """
    return {f"{_OWNER}{index_id}": asdict(owner) if owner else None}


def vectors(spec: CollectionSpec) -> dict[str, models.VectorParams]:
    return {option: models.VectorParams(size=spec.dimension, distance=DISTANCE) for option in spec.options}


def sparse_vectors(spec: CollectionSpec) -> dict[str, models.SparseVectorParams] | None:
    return (
        {TRANSCRIPT_BM25: models.SparseVectorParams(modifier=models.Modifier.IDF)} if spec.sparse_transcript else None
    )


def payload_indexes(metadata_indexes: Mapping[str, str]) -> dict[str, PayloadIndex]:
    """Payload key -> index, for our keys and the configured user_metadata keys. Raises ConfigError."""
    return {
        **PAYLOAD_INDEXES,
        **{metadata_key(key): _metadata_type(key, kind) for key, kind in metadata_indexes.items()},
    }


def metadata_key(key: str) -> str:
    """The JSON path of a user_metadata key; Qdrant requires quotes unless it has only letters, digits, _ and -."""
    if not key or '"' in key:
        raise ConfigError("index user_metadata key", repr(key), "Qdrant has no path for this key", "Rename the key")
    return f"user_metadata.{key}" if _PLAIN_KEY.fullmatch(key) else f'user_metadata."{key}"'


def _metadata_type(key: str, kind: str) -> PayloadIndex:
    if kind not in METADATA_TYPES:
        cause = f"unknown type {kind!r}"
        raise ConfigError("index user_metadata key", key, cause, f"Use one of {', '.join(METADATA_TYPES)}")
    return models.PayloadSchemaType(kind)


def type_of(index: PayloadIndex) -> str:
    return str(index.value if isinstance(index, models.PayloadSchemaType) else index.type.value)


def describe(name: str, found: models.CollectionInfo) -> CollectionInfo:
    """`points` is Qdrant's own count, which is approximate during optimization."""
    ours = _stamp_of(found)
    return CollectionInfo(
        name=name,
        points=found.points_count or 0,
        vectors={key: (params.size, params.distance.value) for key, params in _vectors_of(found).items()},
        model=ours.get("model"),
        layout_version=ours.get("layout_version"),
        instance_id=ours.get("instance_id"),
        payload_indexes={key: schema.data_type.value for key, schema in found.payload_schema.items()},
        owners=_owners_of(found),
        sparse={
            name: str((params.modifier or models.Modifier.NONE).value)
            for name, params in (found.config.params.sparse_vectors or {}).items()
        },
    )


def embedding_vectors(found: models.CollectionInfo) -> dict[str, int]:
    """Named vector -> dimension, of those that hold our embeddings."""
    known = _stamp_of(found).get("options")
    return {name: it.size for name, it in _vectors_of(found).items() if known is None or name in known}


def searchable(found: models.CollectionInfo, dimension: int) -> tuple[str, ...]:
    """The named vectors that hold our embeddings and have the dimension of the query."""
    return tuple(name for name, size in embedding_vectors(found).items() if size == dimension)


def misfit(spec: CollectionSpec, info: CollectionInfo) -> list[str]:
    """Reasons why the collection cannot hold these points; empty if it fits.

    Ignores additional vectors, quantization, sharding and other choices of the user.
    """
    return [
        *_wrong_owner(spec, info),
        *(words for option in spec.options if (words := _wrong_vector(spec, info, option))),
        *_wrong_sparse(spec, info),
    ]


def misfit_advice(spec: CollectionSpec, info: CollectionInfo) -> str:
    """What to do about `misfit`."""
    return _SPARSE_ADVICE if misfit(spec, info) == _wrong_sparse(spec, info) else _MISFIT_ADVICE


def _wrong_owner(spec: CollectionSpec, info: CollectionInfo) -> list[str]:
    if info.model is None:
        return [f"it holds {info.points} points that this connector did not write"] if info.points else []
    if info.model != spec.model:
        return [f"it belongs to model {info.model}, not {spec.model}"]
    if str(info.layout_version).partition(".")[0] != LAYOUT_VERSION.partition(".")[0]:
        return [f"its layout version is {info.layout_version}, but this connector writes {LAYOUT_VERSION}"]
    return []


def _wrong_vector(spec: CollectionSpec, info: CollectionInfo, option: str) -> str | None:
    if option not in info.vectors:
        return f"it has no vector named {option}"
    dimension, distance = info.vectors[option]
    if dimension != spec.dimension:
        return f"vector {option} has dimension {dimension}, not {spec.dimension}"
    if distance != DISTANCE.value:
        return f"vector {option} has distance {distance}, not {DISTANCE.value}"
    return None


def _wrong_sparse(spec: CollectionSpec, info: CollectionInfo) -> list[str]:
    if not spec.sparse_transcript or info.has_sparse_transcript:
        return []
    modifier = info.sparse.get(TRANSCRIPT_BM25)
    if modifier is None:
        return [f"it has no sparse vector named {TRANSCRIPT_BM25} (CONNECTOR_SPARSE_TRANSCRIPT=true)"]
    return [f"sparse vector {TRANSCRIPT_BM25} has modifier {modifier}, not {IDF}"]


def _stamp_of(found: models.CollectionInfo) -> Mapping[str, Any]:
    """Our stamp; empty if invalid, because users can write anything to metadata."""
    ours = (found.config.metadata or {}).get(STAMP)
    return ours if isinstance(ours, dict) and all(isinstance(ours.get(key), str) for key in _IDENTITY) else {}


def _owners_of(found: models.CollectionInfo) -> dict[str, Owner]:
    """Index id -> owner; skips malformed entries."""
    owners = {}
    for key, value in (found.config.metadata or {}).items():
        if key.startswith(_OWNER) and isinstance(value, dict):
            ledger_id, label, settings = (value.get(part) for part in ("ledger_id", "label", "settings"))
            home, epoch = value.get("home"), value.get("epoch")
            if isinstance(ledger_id, str) and isinstance(settings, dict):
                owner = Owner(ledger_id, str(label), settings, str(home or ""), epoch if type(epoch) is int else 0)
                owners[key.removeprefix(_OWNER)] = owner
    return owners


def index_warnings(info: CollectionInfo, indexes: Mapping[str, PayloadIndex]) -> tuple[str, ...]:
    """Warnings about payload indexes that exist with another type; creating ours would change their type."""
    return tuple(
        f"{key} of collection {info.name} is indexed as {existing}, not as {type_of(index)}: delete that payload index"
        f" in Qdrant and the next cycle creates it again, or change CONNECTOR_METADATA_INDEXES"
        for key, index in indexes.items()
        if (existing := info.payload_indexes.get(key)) not in (None, type_of(index))
    )


def _vectors_of(found: models.CollectionInfo) -> Mapping[str, models.VectorParams]:
    """Vector name -> parameters; an unnamed vector has the empty name."""
    params = found.config.params.vectors
    if params is None:
        return {}
    return params if isinstance(params, dict) else {"": params}
