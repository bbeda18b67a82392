"""Text -> concepts: drops stop words, reduces words to stems, maps synonyms to one concept. Names stay as they are."""

import re

from connector.simulator.world.proper_names import PROPER_NAMES
from connector.simulator.world.synonyms import GROUPS

_WORD = re.compile(r"[a-z0-9]+")
_STOP = frozenset(
    re.findall(
        r"\w+",
        """a about after all am an and are as at be been by can did do does for from go has have he her his i in into
        is it its just let ll me my now of on one onto or our out over re s she so some t that the their them then
        there they this to up us ve very was we were what when where which who will with you your""",
    )
)
_LONG_SUFFIXES = (
    "ations",
    "ation",
    "ating",
    "ators",
    "ator",
    "ated",
    "ates",
    "ings",
    "ions",
    "ion",
    "ers",
    "ate",
    "er",
    "ly",
)
_SHORT_SUFFIXES = ("ing", "ies", "ed", "es", "s", "y", "e")
_SUFFIXES = tuple((suffix, 4) for suffix in _LONG_SUFFIXES) + tuple((suffix, 3) for suffix in _SHORT_SUFFIXES)


def stem(word: str) -> str:
    """`celebration`, `celebrating` and `celebrates` have the same stem, which need not be a word."""
    for suffix, shortest in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= shortest:
            return _undouble(word[: -len(suffix)])
    return word


def _undouble(text: str) -> str:
    doubled = len(text) > 3 and text[-1] == text[-2] and text[-1] not in "aeiouls"
    return text[:-1] if doubled else text


_SYNONYMS = {stem(word): stem(group.split()[0]) for group in GROUPS for word in group.split()}


def content_words(text: str) -> list[str]:
    """The words of a text in reading order and lower case. Stop words are left out, unless there are no others."""
    words = _WORD.findall(text.lower())
    return [word for word in words if word not in _STOP] or words


def concepts(text: str) -> list[str]:
    """The concepts of a text in reading order; if the text has only stop words, each of them is a concept."""
    return [word if word in PROPER_NAMES else _concept(word) for word in content_words(text)]


def _concept(word: str) -> str:
    stemmed = stem(word)
    return _SYNONYMS.get(stemmed, stemmed)
