"""The fingerprint of an asset: a digest of everything that shapes its points."""

import hashlib
from dataclasses import MISSING, dataclass, fields
from operator import attrgetter
from typing import Any

import msgspec

from connector.domain.bm25 import BM25_VERSION, TRANSCRIPT_BM25
from connector.domain.payload_profile import PayloadProfile
from connector.domain.sink_model import LAYOUT_VERSION
from connector.domain.source_model import IndexedAsset


@dataclass(frozen=True, slots=True)
class PointConfig:
    """All settings that shape the points of an index; `options` are the wanted embedding options.

    A field with a default came after the first release.
    """

    model: str | None
    options: tuple[str, ...]
    collection: str
    transcript: bool
    media_links: bool
    payload_profile: PayloadProfile = "none"
    sparse_transcript: bool = False

    @property
    def later(self) -> dict[str, Any]:
        """The settings that came after the first release, unless they have their default: see `fingerprint`."""
        sparse = {TRANSCRIPT_BM25: BM25_VERSION} if self.sparse_transcript else {}
        profile = {} if self.payload_profile == "none" else {"payload_profile": self.payload_profile}
        return sparse | profile


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
    """A setting that was added later changes no fingerprint while it has its default: no asset is written again."""
    later = [shape.later] if shape.later else []
    return digest(canonical_json([LAYOUT_VERSION, _asset_fields(asset), _config_fields(shape), *later]))


# Every field counts. Much faster than `dataclasses.astuple`: a large index has 100,000 assets.
_asset_fields = attrgetter(*(field.name for field in fields(IndexedAsset)))
_config_fields = attrgetter(*(field.name for field in fields(PointConfig) if field.default is MISSING))
