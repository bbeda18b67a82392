"""Which metrics and labels a PromQL expression uses. Not a parser: it knows what our rules and dashboard need."""

import re
from collections.abc import Iterator

_WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool"}
_AGGREGATION = re.compile(r"\b\w+\s+(?=(?:by|without)\s*\()")
_LISTS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"\b([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(?=[\s\[\])*/+>=<!-]|$)")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def selectors(expression: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(name of a series, label -> value of each `=` matcher; "" for other matchers)."""
    plain = _LISTS.sub(" ", _AGGREGATION.sub(" ", expression))
    plain = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", " ", plain)
    for name, matchers in _SELECTOR.findall(plain):
        if name not in _WORDS and not re.match(r"\d", name):
            yield name, {label: value if sign == "=" else "" for label, sign, value in _MATCHER.findall(matchers)}


def grouping(expression: str) -> set[str]:
    """Labels in `by (…)`, `on (…)`, `group_left (…)` and the like."""
    return {
        label.strip()
        for found in _LISTS.findall(_TEXT.sub("", expression))
        for label in found.split(",")
        if label.strip()
    }
