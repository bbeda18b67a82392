"""Which texts contain a word, as it is spelled, and how rare it is: the lexical half of a search of transcripts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connector.simulator.world.words import content_words


@dataclass(frozen=True, slots=True)
class WordLists:
    """`rows` maps a word to the ascending numbers of the texts that contain it."""

    rows: Mapping[str, NDArray[np.int64]]
    texts: int

    @staticmethod
    def of(texts: Sequence[str]) -> "WordLists":
        found: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            for word in set(content_words(text)):
                found.setdefault(word, []).append(row)
        return WordLists({word: np.array(rows, dtype=np.int64) for word, rows in found.items()}, len(texts))

    def shares(self, query: str) -> NDArray[np.float32]:
        """How much of the query each text contains, 0 to 1, shape (texts,). A rare word counts for more."""
        shares = np.zeros(self.texts, dtype=np.float32)
        words = set(content_words(query))
        weights = {word: self._weight(word) for word in words}
        for word, weight in weights.items():
            if word in self.rows:
                shares[self.rows[word]] += weight / sum(weights.values())
        return shares

    def _weight(self, word: str) -> float:
        count = len(self.rows.get(word, ()))
        return math.log(1.0 + (self.texts - count + 0.5) / (count + 0.5))
