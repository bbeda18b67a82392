"""Bounds the size of results: hosts cut or refuse long ones, and every character costs an agent attention. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

MOST_CHARS: Final = 16_000
"""Of the list of a result, as JSON: about 4,000 tokens. The text beside it is shorter."""
LONGEST_NAME: Final = 300
LONGEST_EXCERPT: Final = 400
LONGEST_SPOKEN: Final = 2_000
MOST_METADATA: Final = 800


def fitting(items: Sequence[Any], most_chars: int = MOST_CHARS) -> int:
    """How many of the first items fit, as JSON; at least one if there is any, because each of them is bounded."""
    left = most_chars
    for count, item in enumerate(items):
        left -= len(json.dumps(item, ensure_ascii=False)) + 1
        if left < 0:
            return max(count, 1)
    return len(items)


def clipped(text: str, longest: int) -> str:
    """At most so many characters; what is cut ends with an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def name(text: str | None) -> str | None:
    return None if text is None else clipped(text, LONGEST_NAME)


def small_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The first keys that fit, with short values. Values that are long or nested deeply become clipped JSON."""
    found, left = dict[str, Any](), MOST_METADATA
    for key, value in metadata.items():
        text = json.dumps(value, ensure_ascii=False)
        kept = value if len(text) <= LONGEST_NAME else clipped(text, LONGEST_NAME)
        left -= len(key) + min(len(text), LONGEST_NAME)
        if left < 0:
            break
        found[key] = kept
    return found
