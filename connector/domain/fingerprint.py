"""The fingerprint of an asset: a digest of everything that shapes its points."""

import hashlib
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import msgspec

from connector.domain.sink_model import LAYOUT_VERSION
from connector.domain.source_model import IndexedAsset


@dataclass(frozen=True, slots=True)
class PointConfig:
    """All settings that shape the points of an index; `options` are the wanted embedding options."""

    model: str | None
    options: tuple[str, ...]
    collection: str
    transcript: bool
    media_links: bool


def digest(*parts: bytes | memoryview) -> str:
    """Return 32 hex characters. A memoryview must be one of bytes.

    A length prefix on each part keeps ("ab", "c") and ("a", "bc") apart.
    """
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def canonical_json(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def fingerprint(asset: IndexedAsset, shape: PointConfig) -> str:
    return digest(canonical_json([LAYOUT_VERSION, _asset_fields(asset), _config_fields(shape)]))


# Every field counts. Much faster than `dataclasses.astuple`: a large index has 100,000 assets.
_asset_fields = attrgetter(*(field.name for field in fields(IndexedAsset)))
_config_fields = attrgetter(*(field.name for field in fields(PointConfig)))
