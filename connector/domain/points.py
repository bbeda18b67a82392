"""Retrieved asset -> points and their ids: one point per (scope, time range), one named vector per embedding option."""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from connector.domain.arrays import Float32, Int64
from connector.domain.bm25 import BM25_VERSION, TRANSCRIPT_BM25, SparseVector, transcript_vector
from connector.domain.fingerprint import canonical_json, digest
from connector.domain.marengo import KNOWN, option_order
from connector.domain.metadata import MetadataLimits, check_metadata, storable, timestamp, whole
from connector.domain.payload_profile import PayloadProfile, derived_keys
from connector.domain.segments import CheckedColumn, SpokenWords, malformed
from connector.domain.sink_model import LAYOUT_VERSION
from connector.domain.source_model import Index, RetrievedAsset

_ID_TEXTS = ("index_id", "indexed_asset_id", "embedding_model", "embedding_scope")
ID_KEYS = (*_ID_TEXTS, "start_offset_sec", "end_offset_sec")
"""The payload keys from which `is_own` computes a point's id."""
METADATA_KEYS = (
    "index_id",
    "index_name",
    "indexed_asset_id",
    "asset_id",
    "filename",
    "created_at",
    "indexed_at",
    "duration_sec",
    "fps",
    "width",
    "height",
    "size_bytes",
    "user_metadata",
)
"""The payload keys that `metadata_revision` covers."""

SMALL_SEGMENTS, SMALL_WORDS = 64, 1000

NAMESPACE = uuid.UUID("99026458-c633-4fd7-a44e-8f59297a0b73")


_UUID_FIXED = 0xF000 << 64 | 0xC000 << 48
_UUID_VERSION_5 = 0x5000 << 64 | 0x8000 << 48
"""The bits of a UUID that say its version and variant (RFC 9562), and theirs in a UUIDv5."""


def point_id(index_id: str, indexed_asset_id: str, model: str, scope: str, start_ms: int, end_ms: int) -> str:
    """UUIDv5 of the segment's key; other programs depend on it (docs/payload.md, "Point ids")."""
    return str(uuid.uuid5(NAMESPACE, f"{index_id}/{indexed_asset_id}/{model}/{scope}/{start_ms}/{end_ms}"))


def _point_ids(
    index_id: str, indexed_asset_id: str, model: str, scopes: tuple[str, ...], start_ms: Int64, end_ms: Int64
) -> tuple[str, ...]:
    """The `point_id` of each point, in a third of its time: what they share is hashed once."""
    shared = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False)
    shared.update(f"{index_id}/{indexed_asset_id}/{model}/".encode())
    ids = list[str]()
    for scope, start, end in zip(scopes, start_ms.tolist(), end_ms.tolist(), strict=True):
        digest_of_point = shared.copy()
        digest_of_point.update(f"{scope}/{start}/{end}".encode())
        number = int.from_bytes(digest_of_point.digest()[:16])
        text = f"{number & ~_UUID_FIXED | _UUID_VERSION_5:032x}"
        ids.append(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")
    return tuple(ids)


def is_own(stored_id: str, payload: Mapping[str, Any]) -> bool:
    """True if the connector wrote the point: its id equals the id computed from its payload.

    A point with another id belongs to another program, even if it carries the same payload keys.
    """
    index_id, asset, model, scope = (payload.get(key) for key in _ID_TEXTS)
    start, end = payload.get("start_offset_sec"), payload.get("end_offset_sec")
    if not all(isinstance(text, str) for text in (index_id, asset, model, scope)):
        return False
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        return False
    try:
        computed = point_id(str(index_id), str(asset), str(model), str(scope), round(start * 1000), round(end * 1000))
    except (ValueError, OverflowError):  # not finite
        return False
    return computed == stored_id


@dataclass(frozen=True, slots=True, eq=False)
class NamedVectors:
    """The vectors of one option. `matrix` has shape (k, dimension); row i belongs to point `rows[i]`, ascending."""

    rows: Int64
    matrix: Float32


@dataclass(frozen=True, slots=True, eq=False)
class AssetPoints:
    """All points of one asset, stored by column: point i has `ids[i]`, `scopes[i]` and so on.

    `revision` is the digest of all segment data, `metadata_revision` the digest of the asset's metadata.
    """

    index_id: str
    indexed_asset_id: str
    model: str
    dimension: int | None
    options: tuple[str, ...]
    ids: tuple[str, ...]
    scopes: tuple[str, ...]
    start_ms: Int64
    end_ms: Int64
    segments: Int64
    transcripts: tuple[str, ...]
    vectors: Mapping[str, NamedVectors]
    revision: str
    metadata_revision: str
    asset_payload: Mapping[str, Any]
    dropped_words: int = 0
    """Number of spoken words with an invalid time range; they are in no transcript."""
    payload_profile: PayloadProfile = "none"
    sparse: tuple[SparseVector | None, ...] | None = None
    """The vector `transcript-bm25` of each point, None where nothing is said; None if they are switched off."""

    def __len__(self) -> int:
        return len(self.ids)

    def payload(self, point: int, options: Collection[str]) -> dict[str, Any]:
        """The full payload of one point that has the named vectors `options`."""
        flat = self._flat(point, options)
        return flat | derived_keys(self.payload_profile, flat)

    def derived(self, point: int, options: Collection[str]) -> dict[str, Any]:
        """The keys of this payload that the profile derives from the others."""
        return derived_keys(self.payload_profile, self._flat(point, options))

    def _flat(self, point: int, options: Collection[str]) -> dict[str, Any]:
        return {
            **self.asset_payload,
            "embedding_options": list(options),
            "embedding_scope": self.scopes[point],
            "start_offset_sec": int(self.start_ms[point]) / 1000,
            "end_offset_sec": int(self.end_ms[point]) / 1000,
            "segment": int(self.segments[point]),
            "transcript": self.transcripts[point],
            "revision": self.revision,
        }


def metadata_payload(
    retrieved: RetrievedAsset,
    index: Index,
    fingerprint: str,
    *,
    media_links: bool,
    payload_profile: PayloadProfile = "none",
) -> tuple[dict[str, Any], str]:
    """The payload keys that a metadata-only change rewrites, and their revision. Raises MalformedAsset.

    The payload also has the revision, the fingerprint and the volatile link, but the revision does not cover them.
    """
    limits = MetadataLimits.of(payload_profile)
    check_metadata(retrieved, limits)
    asset = retrieved.asset
    payload = {
        "index_id": index.index_id,
        "index_name": index.name,
        "indexed_asset_id": asset.indexed_asset_id,
        "asset_id": asset.asset_id,
        "filename": asset.filename,
        "created_at": timestamp(retrieved, "created_at"),
        "indexed_at": timestamp(retrieved, "indexed_at"),
        "duration_sec": storable(asset.duration_sec),
        "fps": storable(asset.fps),
        "width": whole(asset.width),
        "height": whole(asset.height),
        "size_bytes": whole(asset.size_bytes),
        "user_metadata": storable(retrieved.user_metadata),
    }
    encoded = canonical_json(payload)
    if len(encoded) > limits.size:
        raise malformed(retrieved, f"its metadata has {len(encoded)} bytes; the limit is {limits.size}")
    revision = _metadata_revision(encoded, payload_profile)
    payload |= {"metadata_revision": revision, "fingerprint": fingerprint}
    if media_links:
        payload["hls_url"] = retrieved.hls_url
    return payload, revision


def is_small(retrieved: RetrievedAsset) -> bool:
    """True if `build` takes a few milliseconds at most, about as long as handing the work to a thread."""
    words = len(retrieved.transcription.values) if retrieved.transcription else 0
    return segments_of(retrieved) <= SMALL_SEGMENTS and words <= SMALL_WORDS


def segments_of(retrieved: RetrievedAsset) -> int:
    return sum(len(column.start_sec) for column in retrieved.columns or ())


def computed_metadata_revision(payload: Mapping[str, Any], payload_profile: PayloadProfile = "none") -> str:
    """The metadata revision that a stored payload computes to. A missing key counts as null."""
    return _metadata_revision(canonical_json({key: payload.get(key) for key in METADATA_KEYS}), payload_profile)


def _metadata_revision(encoded: bytes, payload_profile: PayloadProfile) -> str:
    """Another profile is another revision, so that the derived keys are written or removed like changed metadata."""
    return digest(encoded) if payload_profile == "none" else digest(encoded, payload_profile.encode())


def build(
    retrieved: RetrievedAsset,
    index: Index,
    fingerprint: str,
    *,
    media_links: bool = False,
    transcript: bool = True,
    payload_profile: PayloadProfile = "none",
    sparse_transcript: bool = False,
) -> AssetPoints:
    """The points of an asset retrieved with an embedding. Raises MalformedAsset: then store no point of it."""
    if retrieved.columns is None or retrieved.model is None:
        raise ValueError("cannot build points without an embedding")
    columns = tuple(CheckedColumn.of(retrieved, column) for column in retrieved.columns)
    dimension = _dimension(retrieved, columns)
    scopes, start_ms, end_ms, segments = _points(columns)
    vectors = _named_vectors(retrieved, columns, scopes, start_ms, end_ms)
    words = SpokenWords.of(retrieved.transcription) if transcript else None
    transcripts = words.within(start_ms, end_ms) if words else ("",) * len(scopes)
    payload, metadata_revision = metadata_payload(
        retrieved, index, fingerprint, media_links=media_links, payload_profile=payload_profile
    )
    payload |= {"embedding_model": retrieved.model, "asset_points": len(scopes)}
    algorithm = (TRANSCRIPT_BM25, BM25_VERSION) if sparse_transcript else ()
    return AssetPoints(
        index_id=index.index_id,
        indexed_asset_id=retrieved.asset.indexed_asset_id,
        model=retrieved.model,
        dimension=dimension,
        options=tuple(vectors),
        ids=_point_ids(index.index_id, retrieved.asset.indexed_asset_id, retrieved.model, scopes, start_ms, end_ms),
        scopes=scopes,
        start_ms=start_ms,
        end_ms=end_ms,
        segments=segments,
        transcripts=transcripts,
        vectors=vectors,
        revision=_revision(
            [LAYOUT_VERSION, media_links, retrieved.model, scopes, transcripts, *algorithm], start_ms, end_ms, vectors
        ),
        metadata_revision=metadata_revision,
        asset_payload=payload,
        dropped_words=words.dropped if words else 0,
        payload_profile=payload_profile,
        sparse=tuple(map(transcript_vector, transcripts)) if sparse_transcript else None,
    )


def _dimension(retrieved: RetrievedAsset, columns: Iterable[CheckedColumn]) -> int | None:
    """The dimension of all vectors; an unknown model has the dimension that its vectors share."""
    known = KNOWN.get(retrieved.model or "")
    found = {column.vectors.shape[1] for column in columns if len(column.vectors)}
    wanted = known.dimension if known else min(found, default=None)
    if found - {wanted}:
        cause = f"vectors of dimension {', '.join(map(str, sorted(found)))}, but {retrieved.model} has {wanted}"
        raise malformed(retrieved, cause if known else f"vectors of different dimensions: {sorted(found)}")
    return wanted


def _points(columns: Iterable[CheckedColumn]) -> tuple[tuple[str, ...], Int64, Int64, Int64]:
    """Scope, start, end and ordinal of every point: the distinct time ranges per scope, sorted by (start, end)."""
    by_scope: dict[str, set[tuple[int, int]]] = {}
    for column in columns:
        found = zip(column.start_ms.tolist(), column.end_ms.tolist(), strict=True)
        by_scope.setdefault(column.scope, set()).update(found)
    scopes, ranges, ordinals = list[str](), list[tuple[int, int]](), list[int]()
    for scope in sorted(by_scope):
        distinct = sorted(by_scope[scope])
        scopes += [scope] * len(distinct)
        ranges += distinct
        ordinals += range(len(distinct))
    joined = np.array(ranges, np.int64).reshape(-1, 2)
    return tuple(scopes), joined[:, 0], joined[:, 1], np.array(ordinals, np.int64)


def _named_vectors(
    retrieved: RetrievedAsset,
    columns: Collection[CheckedColumn],
    scopes: tuple[str, ...],
    start_ms: Int64,
    end_ms: Int64,
) -> dict[str, NamedVectors]:
    keys = zip(scopes, start_ms.tolist(), end_ms.tolist(), strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    found: dict[str, NamedVectors] = {}
    for option in sorted({column.option for column in columns}, key=option_order):
        mine = [column for column in columns if column.option == option and len(column.vectors)]
        if not mine:
            continue
        rows = np.array(
            [
                row_of[column.scope, start, end]
                for column in mine
                for start, end in zip(column.start_ms.tolist(), column.end_ms.tolist(), strict=True)
            ],
            np.int64,
        )
        matrix = mine[0].vectors if len(mine) == 1 else np.concatenate([column.vectors for column in mine])
        found[option] = _merge(retrieved, option, rows, matrix)
    return found


def _merge(retrieved: RetrievedAsset, option: str, rows: Int64, matrix: Float32) -> NamedVectors:
    """One vector per row, rows ascending. Merge duplicates; raise MalformedAsset if two vectors of a row differ.

    Usually the rows are in order: then nothing is copied, because the matrix of a long video is large.
    """
    if (np.diff(rows) > 0).all():
        return NamedVectors(rows, np.ascontiguousarray(matrix))
    distinct, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    again = np.setdiff1d(np.arange(len(rows)), first)
    if (matrix[again] != matrix[first[inverse[again]]]).any():
        raise malformed(retrieved, f"{option} segments: two different vectors for one scope and time range")
    return NamedVectors(distinct, matrix[first])


def _revision(facts: list[Any], start_ms: Int64, end_ms: Int64, vectors: Mapping[str, NamedVectors]) -> str:
    parts: list[bytes | memoryview] = [canonical_json(facts), start_ms.tobytes(), end_ms.tobytes()]
    for option, named in vectors.items():
        parts += [option.encode(), named.rows.tobytes(), _little_endian(named.matrix)]
    return digest(*parts)


def _little_endian(matrix: Float32) -> memoryview:
    """The bytes of the matrix, without a copy where they are little-endian already."""
    return np.ascontiguousarray(matrix, "<f4").data.cast("B")
