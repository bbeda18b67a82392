"""Texts of others, made safe to show in a line: names, ids, transcripts, metadata. Pure."""

import json
from typing import Any

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_JOINERS = "\u200c\u200d"
"""Emoji and several scripts need them."""


def plain(text: str) -> str:
    """The text in one line: control characters, also those that turn the direction, become U+FFFD."""
    if text.isprintable():
        return text
    line = " ".join(text.split())
    return "".join(char if char.isprintable() or char in _JOINERS else _REPLACEMENT for char in line)


def without_middle(text: str, most: int) -> str:
    """The text in one line, with an ellipsis in place of its middle if it is longer than `most` characters."""
    line = plain(text)
    if len(line) <= most:
        return line
    head = most * 2 // 3
    return f"{line[:head]}…{line[len(line) - (most - head - 1) :]}"


def cut(text: str, most: int) -> str:
    """The beginning of the text, in one line, with an ellipsis if there is more."""
    line = plain(text)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def value_text(value: Any) -> str:
    """A JSON value: text as it is, anything else as JSON."""
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
