"""Ids that look like the vendor's (24 hex digits) and encode the record that they name, so that nothing must be stored.

A four-round Feistel network keyed by the seed scrambles (kind, index, ordinal, check).
"""

import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum

_HALF = 48
_MASK = (1 << _HALF) - 1
_ROUNDS = 4
_CHECK = 0x5EED
_POINT_CONFIG = re.compile(r"[0-9a-f]{24}")


class IdKind(IntEnum):
    INDEX = 1
    INDEXED_ASSET = 2
    ASSET = 3
    UPLOAD = 4
    TASK = 5
    UNKNOWN_TASK = 6
    EVENT = 7
    EMBEDDING_TASK = 8


_KINDS = frozenset(kind.value for kind in IdKind)


@dataclass(frozen=True, slots=True)
class Ref:
    kind: IdKind
    index: int
    ordinal: int


def well_formed(text: str) -> bool:
    return _POINT_CONFIG.fullmatch(text) is not None


class IdCodec:
    def __init__(self, seed: int) -> None:
        self._key = hashlib.blake2b(f"ids/{seed}".encode(), digest_size=32).digest()

    def encode(self, kind: IdKind, index: int, ordinal: int) -> str:
        plain = (int(kind) << 88) | (index << 64) | (ordinal << 32) | _CHECK
        left, right = plain >> _HALF, plain & _MASK
        for turn in range(_ROUNDS):
            left, right = right, left ^ self._round(turn, right)
        return f"{(left << _HALF) | right:024x}"

    def decode(self, text: str) -> Ref | None:
        """Decode the id; None if this codec did not create it."""
        if not well_formed(text):
            return None
        number = int(text, 16)
        left, right = number >> _HALF, number & _MASK
        for turn in reversed(range(_ROUNDS)):
            left, right = right ^ self._round(turn, left), left
        return _parse((left << _HALF) | right)

    def _round(self, turn: int, half: int) -> int:
        data = bytes([turn]) + half.to_bytes(6, "big")
        return int.from_bytes(hashlib.blake2b(data, key=self._key, digest_size=6).digest(), "big")


def _parse(plain: int) -> Ref | None:
    kind = plain >> 88
    if plain & 0xFFFFFFFF != _CHECK or kind not in _KINDS:
        return None
    return Ref(IdKind(kind), (plain >> 64) & 0xFFFFFF, (plain >> 32) & 0xFFFFFFFF)
