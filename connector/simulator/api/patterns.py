"""Patterns that select requests for holds, faults and log queries: `"GET /indexes/*/indexed-assets?page=2"`."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

PREFIX = "/v1.3"


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """A request to match; `path` has no version prefix."""

    method: str
    path: str
    query: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """`*` matches within one path segment, `**` matches anything; method and query are optional.

    A query lists `key=value` pairs that must be there; others may be.
    """

    method: str | None
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]

    @staticmethod
    def parse(text: str) -> "Pattern":
        """Raises ValueError."""
        method, _, target = text.rpartition(" ")
        path, _, query = target.partition("?")
        if not path.startswith(("/", "*")) or (method and not method.isalpha()):
            raise ValueError(f"pattern {text!r}: write it like 'GET /indexes/*/indexed-assets?page=2' or '/embed-v2'")
        pieces = re.split(r"(\*\*|\*)", path.removeprefix(PREFIX))
        translated = "".join({"**": ".*", "*": "[^/]*"}.get(piece, re.escape(piece)) for piece in pieces)
        return Pattern(method.upper() or None, re.compile(translated), frozenset(parse_qsl(query)))

    def matches(self, call: ReceivedCall) -> bool:
        if self.method not in {None, call.method} or self.path.fullmatch(call.path) is None:
            return False
        return not self.query or self.query <= set(parse_qsl(call.query, keep_blank_values=True))
