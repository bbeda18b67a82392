"""BM25 in memory, from the sparse vectors that the connector writes and the rarity that Qdrant adds."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.domain.bm25 import query_words, share_of_query, transcript_vector


@dataclass(frozen=True, slots=True)
class WordRanking:
    """`postings` maps the index of a word to its value in each text that has it; `rarity` is for `texts` of them."""

    texts: int
    postings: Mapping[int, Mapping[int, float]]

    @staticmethod
    def of(texts: Sequence[str]) -> "WordRanking":
        postings: dict[int, dict[int, float]] = {}
        for place, text in enumerate(texts):
            vector = transcript_vector(text)
            for index, value in zip(vector.indices, vector.values, strict=True) if vector else ():
                postings.setdefault(index, {})[place] = value
        return WordRanking(sum(map(bool, texts)), postings)

    def ranking(self, query: str, limit: int) -> dict[int, float]:
        """Numbers of the best texts, best first, and the share of the query that each has."""
        scores: Counter[int] = Counter()
        rarity = {index: self._rarity(index) for index in query_words(query)}
        for index, weight in rarity.items():
            for place, value in self.postings.get(index, {}).items():
                scores[place] += weight * value  # type: ignore[assignment]
        best = sorted(scores, key=lambda place: (-scores[place], place))[:limit]
        said = {place: {index for index in rarity if place in self.postings.get(index, {})} for place in best}
        return {place: share_of_query(rarity, said[place]) for place in best}

    def _rarity(self, index: int) -> float:
        having = len(self.postings.get(index, {}))
        return math.log(1 + (self.texts - having + 0.5) / (having + 0.5))
