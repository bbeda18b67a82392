"""Sparse vectors of words: of a transcript for `transcript-bm25`, and of a query for it. Pure.

The formula is public (docs/payload.md, "Words as a sparse vector"), because other programs make vectors of queries.
"""

import math
import re
import unicodedata
import zlib
from array import array
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

TRANSCRIPT_BM25 = "transcript-bm25"
"""The name of the sparse vector in Qdrant."""
BM25_VERSION = 1
"""Another value writes the points of all assets again: raise it with every change of `words` or `transcript_vector`."""
IDF = "idf"
"""The modifier with which Qdrant multiplies each word of a query by its rarity in the collection."""

_K1, _B, _USUAL_WORDS = 1.2, 0.75, 20
"""Saturation, influence of the length, and the words of a segment of 8 seconds, in place of a mean that would move."""

_OF_WORDS = frozenset("LMN")
"""Letters, marks and numbers: the first characters of their Unicode categories."""
_ASCII_WORD = re.compile(r"[0-9a-z]+")
# Han and Hiragana are written without spaces.
_UNSPACED = re.compile("([\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")


@dataclass(frozen=True, slots=True)
class SparseVector:
    """`values[i]` (float32) belongs to the word with the index `indices[i]` (uint32); indices ascend."""

    indices: "array[int]"
    values: "array[float]"


def words(text: str) -> list[str]:
    """The words in the order of the text: runs of letters, marks and digits of the case-folded NFKC form.

    A character of Han or Hiragana is a word of its own.
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(it if unicodedata.category(it)[0] in _OF_WORDS else " " for it in folded)
    return _UNSPACED.sub(r" \1 ", kept).split()


def word_index(word: str) -> int:
    """CRC-32 of the UTF-8 bytes. Two words may share one, and then count as one."""
    return zlib.crc32(word.encode())


def transcript_vector(text: str) -> SparseVector | None:
    """The value of a word that is said n times is n * 2.2 / (n + norm); norm grows with the number of words.

    None without any word.
    """
    found = list(map(word_index, words(text)))
    if not found:
        return None
    norm = _K1 * (1 - _B + _B * len(found) / _USUAL_WORDS)
    counts = Counter(found)
    indices = sorted(counts)
    values = [count * (_K1 + 1) / (count + norm) for count in map(counts.__getitem__, indices)]
    return SparseVector(array("I", indices), array("f", values))


def query_words(text: str) -> tuple[int, ...]:
    """The index of each distinct word, in the order of the text. In a query, each has the value 1."""
    return tuple(dict.fromkeys(map(word_index, words(text))))


def highest_rarity(points: int) -> float:
    """The inverse document frequency of a word that none of so many points has, by Qdrant's formula."""
    return math.log(1 + (points + 0.5) / 0.5)


def share_of_query(rarity: Mapping[int, float], said: Collection[int]) -> float:
    """How much of a query is said, from 0 to 1: each of its words counts with its rarity.

    `rarity` has all words of the query, `said` are the words of a transcript.
    """
    total = sum(rarity.values())
    return sum(weight for index, weight in rarity.items() if index in said) / total if total else 0.0
