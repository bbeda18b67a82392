"""Hypothesis strategies for JSON: any value, and any value at any place of a good document."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

PLACEHOLDER = "put something else here"
DEEP = 3000

ANY_TEXT = st.text(st.characters(), max_size=8)
"""Lone surrogates included."""
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
ODD_TEXTS = (
    *("NaN", "-Infinity", "1e999", "-1e999", "1e-999", "9" * 5000, "-" + "9" * 25, str(2**64), "1.5", "true", "null"),
    *(r'"\ud800"', r'"\udfff\ud800"', '"\\u0000"', '""', '"\x7f"', "[]", "{}", '{"": ""}', "[[], {}, null]"),
    *("", "[", "}", '"', ",", "nul", "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP),
)
ANY_TEXT_OF_JSON = st.builds(json.dumps, ANY_JSON, ensure_ascii=st.booleans()) | st.sampled_from(ODD_TEXTS)
"""What may be where a value belongs, valid or not."""


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The path to every part of the value, itself included."""
    yield ()
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from ((key, *path) for path in places(part))


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """A copy of the value with another part at this place."""
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@st.composite
def changed(draw: st.DrawFn, good: Any) -> bytes:
    """The document with up to three of its parts replaced by anything; some are cut, or have other bytes in them."""
    text = json.dumps(good)
    for _ in range(draw(st.integers(1, 3))):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            break
        path = draw(st.sampled_from(list(places(document))))
        new = draw(ANY_TEXT_OF_JSON)
        text = json.dumps(replaced(document, path, PLACEHOLDER)).replace(json.dumps(PLACEHOLDER), new)
    body = text.encode(errors="surrogatepass")
    where, what = draw(st.integers(0, len(body))), draw(st.sampled_from(["nothing", "nothing", "cut", "insert"]))
    if what == "cut":
        return body[:where]
    return body[:where] + (draw(st.binary(max_size=3)) if what == "insert" else b"") + body[where:]
