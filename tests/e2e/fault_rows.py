"""The kinds of rows of the fault matrix: what goes wrong, where, and what becomes of the work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from connector.domain.errors import ConnectorError

ELSEWHERE = "{elsewhere}"
"""In a header of a fault: the address of another server, which must not get the key."""


class Where(StrEnum):
    LOOKUP = "look-up of the index"
    LISTING = "listing"
    RETRIEVAL = "retrieval"
    PROOF = "proof of a delete"
    EMBED = "text of a search"
    SINK = "Qdrant"
    LEDGER = "ledger"
    PROCESS = "process"


class Becomes(StrEnum):
    """What becomes of the assets; with every outcome but APPLIED, no stored point changes."""

    APPLIED = "applied"
    WAITING = "waiting"
    VANISHED = "left to the next listing"
    DEFERRED = "deferred"
    FAILED = "failed"
    WITHHELD = "deletes withheld"
    CYCLE_FAILED = "the cycle fails"

    @property
    def exit_code(self) -> int:
        """The exit code of `sync`."""
        if self is Becomes.CYCLE_FAILED:
            return 3
        return 1 if self in {Becomes.DEFERRED, Becomes.FAILED, Becomes.WITHHELD} else 0


@dataclass(frozen=True, slots=True)
class SourceFault:
    """A fault of TwelveLabs, and its outcome.

    `fault` has the keys of `Control.inject`. It affects the index, or a new and a changed asset. With `only_new` it
    affects the new one only; in the proof of a delete, the removed one, or with `on_listed` one that is there. `words`
    are in the report. With `shown_later`, the next sync looks again only if the source shows another change.
    """

    name: str
    where: Where
    fault: Mapping[str, Any]
    becomes: Becomes
    error: type[ConnectorError] | None = None
    words: tuple[str, ...] = ()
    only_new: bool = False
    on_listed: bool = False
    removed: bool = False
    shown_later: bool = False

    @property
    def removes(self) -> bool:
        return self.removed or self.where is Where.PROOF


@dataclass(frozen=True, slots=True)
class SearchFault:
    """A fault of TwelveLabs while `search` asks for the vector of a text. `error` is None if the search succeeds."""

    name: str
    fault: Mapping[str, Any]
    error: type[ConnectorError] | None = None
    words: tuple[str, ...] = ()
    where: Where = Where.EMBED


@dataclass(frozen=True, slots=True)
class SinkFault:
    """Settings with which Qdrant does not do what is asked."""

    name: str
    settings: Mapping[str, str]
    error: type[ConnectorError]
    words: tuple[str, ...]
    where: Where = Where.SINK


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """Damage to the ledger's file. `before` starts the command in its stead; `refused` is false if it is repaired."""

    name: str
    damage: Callable[[Path], object]
    words: tuple[str, ...] = ()
    refused: bool = True
    before: tuple[str, ...] = ()
    where: Where = Where.LEDGER


@dataclass(frozen=True, slots=True)
class Proven:
    """A fault that tests elsewhere prove: `tests` are their ids."""

    name: str
    where: Where
    outcome: str
    tests: tuple[str, ...] = field(default_factory=tuple)
