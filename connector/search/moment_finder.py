"""Searches the collections of the connector: one list of moments per model, or the error."""

import asyncio
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from connector.domain.arrays import Float32
from connector.domain.bm25 import TRANSCRIPT_BM25, query_words
from connector.domain.errors import ConfigError, ConnectorError, SinkMismatch
from connector.domain.marengo import named, newest_model_first
from connector.domain.nearness import least_similarities
from connector.domain.search_scope import PointScope
from connector.domain.sink_model import FoundPoint, RankedPoints
from connector.qdrant.sink import QdrantSink
from connector.qdrant.word_search import WantedWords
from connector.search import query_vectors
from connector.search.collection_lookup import CollectionLookup
from connector.search.found_moments import moment_of
from connector.search.intervals import merged
from connector.search.known_names import check_metadata_keys, check_options
from connector.search.moment_links import Link
from connector.search.moment_request import MomentRequest, Rerank
from connector.search.query_embedding import QueryEmbedding
from connector.search.query_inputs import SearchQueryInput, SegmentQuery, VectorQuery
from connector.search.query_vectors import QueryVectors, Searched, VectorsOf
from connector.search.rankings import grouped, reranked
from connector.search.results import Moment, Moments
from connector.search.video_catalog import VideoCatalog

NEAR_SHARE = 0.5
"""A segment that says so much of a text is near to it, whatever its vectors say."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """Option -> the least similarity of a near segment; None if there are too few segments to tell, or not asked.

    Words have no part in it. Beside it, a segment that says at least NEAR_SHARE of the text is near; `said` if any is.
    """

    least: Mapping[str, float] | None
    said: bool = False

    @property
    def answer(self) -> bool | None:
        return None if self.least is None else bool(self.least) or self.said

    def includes(self, moment: Moment) -> bool:
        """True also for all if that is not known."""
        if self.least is None:
            return True
        least = {**self.least, TRANSCRIPT_BM25: NEAR_SHARE}
        return any(similarity >= least.get(option, 2.0) for option, similarity in moment.scores.items())


_NOTHING, _NOT_ASKED = RankedPoints((), complete=False), Nearness(None)


@dataclass(frozen=True, slots=True)
class _Found:
    """What one collection has, or why it could not be searched."""

    searched: Searched
    ranked: RankedPoints = _NOTHING
    near: Nearness = _NOT_ASKED
    error: ConnectorError | None = None


@dataclass(frozen=True, slots=True)
class MomentFinder:
    """Belongs to one event loop. Connects when it is first used."""

    sink: QdrantSink
    embedding: QueryEmbedding
    lookup: CollectionLookup

    async def find(self, query: SearchQueryInput, request: MomentRequest, link: Link) -> list[Moments]:
        """One list per collection, newest model first; empty if the connector has no points yet.

        Raises ConfigError for an unknown index, option or metadata key, and what the sink raises while the collections
        are looked up. Later errors are in the lists.
        """
        searched, _ = await self.lookup.searched(request.indexes)
        lists = await self._lists(query, request, searched, link)
        if any(isinstance(it.error, SinkMismatch) for it in lists):
            self.sink.moments.forget()
            self.lookup.forget()  # a collection may have been replaced, or an alias moved and the old one deleted
            searched, _ = await self.lookup.searched(request.indexes)
            lists = await self._lists(query, request, searched, link)
        if searched and not lists:
            cause = "none of its options can be compared with what is searched"
            raise ConfigError("search", "segment", cause, "Search all options, or the model of the segment")
        if not any(found.moments or found.error for found in lists):
            places = [(it.real_name, it.index_ids) for it in searched]
            await check_metadata_keys(self.sink.moments, request.conditions, places)
        return sorted(lists, key=lambda it: newest_model_first(it.model))

    def catalog(self, indexes: Sequence[str]) -> VideoCatalog:
        return VideoCatalog(self.sink, self.lookup, tuple(indexes))

    async def close(self) -> None:
        await self.embedding.close()
        await self.sink.close()

    async def _lists(
        self, query: SearchQueryInput, request: MomentRequest, searched: Sequence[Searched], link: Link
    ) -> list[Moments]:
        """All collections at the same time: the embedding of one model does not wait for another one."""
        check_options(request, [_names(request, it) for it in searched])
        vectors_of = await self._vectors_of(query, searched)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._found(request, it, vectors_of)) for it in searched]
        return [await _listed(request, found, link) for task in tasks if (found := task.result())]

    async def _vectors_of(self, query: SearchQueryInput, searched: Sequence[Searched]) -> VectorsOf:
        if isinstance(query, VectorQuery):
            return query_vectors.given(query, searched)
        if isinstance(query, SegmentQuery):
            collections = await self.lookup.collections([query.index_id])
            return await query_vectors.like_segment(self.sink.moments, query, collections)
        return query_vectors.embedded(self.embedding, query)

    async def _found(self, request: MomentRequest, searched: Searched, vectors_of: VectorsOf) -> _Found | None:
        """None if the collection is not searched for this query."""
        offered = _offered(request, searched)
        if not offered:
            return None
        words = WantedWords(query_words(request.text), searched.info.points) if TRANSCRIPT_BM25 in offered else None
        dimensions = {name: searched.dimensions[name] for name in offered if name != TRANSCRIPT_BM25}
        try:
            vectors = await vectors_of(replace(searched, dimensions=dimensions)) if dimensions else QueryVectors({})
            if vectors is None or not (vectors.by_option or words):
                return None
            near, ranked = await self._ranked(request, searched, vectors, words)
            _check_model(searched, ranked)
        except ConnectorError as error:
            return _Found(searched, error=error)
        return _Found(searched, ranked, near)

    async def _ranked(
        self, request: MomentRequest, searched: Searched, vectors: QueryVectors, words: WantedWords | None
    ) -> tuple[Nearness, RankedPoints]:
        by_option = vectors.by_option
        scope = PointScope(searched.index_ids, request.conditions, vectors.without, vectors.without_asset)
        weights = {name: request.weight(name) for name in (*by_option, TRANSCRIPT_BM25)} if request.weights else None
        find = partial(
            self.sink.moments.find, searched.real_name, by_option, scope, weights=weights, candidates=request.candidates
        )
        near = Nearness(None)
        if request.tells_near or request.merge_gap_sec is not None:
            near = Nearness(await self._least(searched, by_option, scope))
        if not request.near_only or near.least is None:
            ranked = await find(request.depth, words=words)
            return replace(near, said=ranked.most_said >= NEAR_SHARE), ranked
        said = words and replace(words, least_share=NEAR_SHARE)
        found = await find(request.depth, at_least=near.least, words=said)
        if found or near.least:
            return replace(near, said=bool(found)), found
        return near, await find(1, words=words)

    async def _least(
        self, searched: Searched, by_option: Mapping[str, Float32], scope: PointScope
    ) -> Mapping[str, float] | None:
        """As `least_similarities`; without any embedding, words alone decide."""
        if not by_option:
            return {}
        similarities = partial(self.sink.moments.similarities, instance_id=searched.info.instance_id)
        return least_similarities(await similarities(searched.real_name, by_option, scope))


def _names(request: MomentRequest, searched: Searched) -> tuple[str, ...]:
    """The options of the collection; only a text can be searched by words."""
    return (*searched.dimensions, *([TRANSCRIPT_BM25] if request.text and searched.has_words else []))


def _offered(request: MomentRequest, searched: Searched) -> list[str]:
    """The options to search; one with weight 0 is left out."""
    names = _names(request, searched)
    wanted = names if request.options is None else named(names, request.options)
    return [name for name in wanted if request.weight(name) > 0]


def _check_model(searched: Searched, points: Iterable[FoundPoint]) -> None:
    """A key for one alias cannot see which collection is behind it, so the points say whose they are."""
    if any(it.payload.get("embedding_model") != searched.model for it in points):
        cause = f"it has no longer points of {searched.model}: the alias was moved"
        raise SinkMismatch("search Qdrant collection", searched.name, cause, "Try again")


async def _listed(request: MomentRequest, found: _Found, link: Link) -> Moments:
    searched, ranked = found.searched, found.ranked
    if found.error:
        return Moments(searched.model, searched.name, error=found.error)
    moments = await _arranged(request, found.near, [moment_of(point, link) for point in ranked])
    return Moments(
        searched.model,
        searched.name,
        tuple(moments[: request.limit]),
        found.near.answer if request.tells_near else None,
        complete=ranked.complete and len(moments) <= request.limit,
    )


async def _arranged(request: MomentRequest, near: Nearness, moments: list[Moment]) -> list[Moment]:
    """Merge, then rerank, then group: a reranker reads whole intervals."""
    if request.merge_gap_sec is not None:
        moments = merged(moments, request.merge_gap_sec, near.includes)
    if request.rerank and moments:
        scores = await _scores(request.rerank, request.text, moments)
        moments = reranked(moments, scores)
    if request.group_by_asset:
        moments = grouped(moments)
    return moments


async def _scores(rerank: Rerank, text: str, moments: Sequence[Moment]) -> Sequence[float]:
    """An ordinary function runs in a thread, because it may take long."""
    if inspect.iscoroutinefunction(rerank):
        scores: Sequence[float] = await rerank(text, moments)
        return scores
    found = await asyncio.to_thread(rerank, text, moments)
    return await found if inspect.isawaitable(found) else found
