"""Parse ledger cells. An invalid cell raises LedgerUnavailable with the row, the column and advice."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Never, TypeVar

import msgspec

from connector.domain.errors import LedgerUnavailable
from connector.domain.nesting import is_deeper_than

T = TypeVar("T")

_NEWER = "Use that release or a newer one"
_DAMAGED = "Restore the ledger from a backup, or move it away: the next sync rebuilds it from the points in Qdrant"
_DEEPEST = 100


@dataclass(slots=True)
class LedgerRow:
    """A ledger row, for parsing its cells. All methods raise LedgerUnavailable; `column` appears in the message."""

    table: str
    key: tuple[object, ...]

    def text(self, column: str, cell: object) -> str:
        """Valid UTF-8 text."""
        if not isinstance(cell, str):
            self.damaged(column, f"{_kind(cell)} instead of text")
        if not cell.isascii() and any("\ud800" <= char <= "\udfff" for char in cell):
            self.damaged(column, "text that is not UTF-8")
        return cell

    def flag(self, column: str, cell: object) -> bool:
        if not isinstance(cell, int) or cell not in {0, 1}:
            self.damaged(column, f"{_kind(cell)} instead of 0 or 1")
        return bool(cell)

    def names(self, column: str, cell: object) -> frozenset[str]:
        """A JSON list of strings."""
        return frozenset(self.names_in_order(column, cell))

    def names_in_order(self, column: str, cell: object) -> list[str]:
        """A JSON list of strings."""
        return self._converted(column, self._parsed(column, cell), list[str])

    def document(self, column: str, cell: object) -> dict[str, Any]:
        """A JSON object with any content, but not nested so deeply that it cannot be logged."""
        value = self._parsed(column, cell)
        if is_deeper_than(_DEEPEST, value):
            self.damaged(column, f"a JSON value that is nested more than {_DEEPEST} levels deep")
        return self._converted(column, value, dict[str, Any])

    def document_like(self, column: str, cell: object, of: type[Any]) -> dict[str, Any]:
        """A JSON object with at least the keys of a TypedDict, each of the right type."""
        document = self.document(column, cell)
        self._converted(column, document, of)
        return document

    def facts(self, column: str, cell: object, of: type[T]) -> T:
        """A JSON object with the fields of a dataclass."""
        return self.typed(column, self.document(column, cell), of)

    def typed(self, column: str, document: dict[str, Any], of: type[T]) -> T:
        """Convert a parsed JSON object to a dataclass. An unknown key means that a newer release wrote it."""
        unknown = sorted(document.keys() - _fields(of))
        if unknown:
            self.newer(column, f"unknown key {_printable(unknown[0])}")
        return self._converted(column, document, of)

    def newer(self, column: str, cause: str) -> Never:
        raise self._error(column, f"{cause}; it was written by a newer release", _NEWER)

    def damaged(self, column: str, cause: str) -> Never:
        raise self._error(column, cause, _DAMAGED)

    def _parsed(self, column: str, cell: object) -> object:
        try:
            return json.loads(self.text(column, cell))
        except (ValueError, RecursionError) as error:
            self.damaged(column, f"not a JSON value ({error})")

    def _converted(self, column: str, value: object, of: type[T]) -> T:
        try:
            return msgspec.convert(value, of)
        except (msgspec.ValidationError, RecursionError) as error:
            self.damaged(column, str(error))

    def _error(self, column: str, cause: str, advice: str) -> LedgerUnavailable:
        subject = f"{' '.join(map(_printable, self.key))} of table {self.table}"
        return LedgerUnavailable("read ledger row", subject, f"column {column}: {cause}", advice)


def decoded(raw: bytes) -> str:
    """Decode SQLite text. Keep invalid UTF-8 as surrogates, so that a message can name the row."""
    return raw.decode("utf-8", "surrogateescape")


def _fields(of: Any) -> Iterable[str]:
    """Faster than `dataclasses.fields`: a large index has 100,000 rows."""
    known: Iterable[str] = of.__dataclass_fields__
    return known


def _printable(part: object) -> str:
    return str(part).encode("utf-8", "backslashreplace").decode()


def _kind(cell: object) -> str:
    return {type(None): "nothing", bytes: "a blob", str: "text"}.get(type(cell), "a number")
