"""Digests: what makes an asset's points come out as they do."""

import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

import msgspec

from connector.domain.model import LAYOUT_VERSION, IndexedAsset


@dataclass(frozen=True, slots=True)
class PointConfig:
    """Everything in our settings that shapes the points of an index; `options` are the wanted embedding options."""

    model: str | None
    options: tuple[str, ...]
    collection: str
    transcript: bool
    media_links: bool


def digest(*parts: bytes) -> str:
    """32 hex characters; every part is framed by its length, so that no two lists of parts agree by accident."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def canonical_json(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def fingerprint(asset: IndexedAsset, shape: PointConfig) -> str:
    return digest(canonical_json([LAYOUT_VERSION, _fields(asset), _fields(shape)]))


def _fields(value: IndexedAsset | PointConfig) -> Iterable[Any]:
    return astuple(value)
