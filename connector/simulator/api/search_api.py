"""/search: finds moments of an index by text and pictures, in the space of the stored segments."""

from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api.api_errors import invalid
from connector.simulator.api.forms import text_field
from connector.simulator.api.json_io import answer
from connector.simulator.api.listing import refuse_unknown
from connector.simulator.api.search_pages import FoundClip, FoundClips, FoundPage, SearchPages
from connector.simulator.api.search_request import SearchRequest
from connector.simulator.api.views import clip_thumbnail, stamp
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.search_matches import matches
from connector.simulator.world.segment_matrix import SegmentMatrices, SegmentMatrix
from connector.simulator.world.world import World


class SearchApi:
    def __init__(self, world: World) -> None:
        self._world = world
        self._matrices = SegmentMatrices(world)
        self._pages = SearchPages(world)

    def routes(self) -> list[Route]:
        return [
            Route("/search", self.create, methods=["POST"]),
            Route("/search/{page_token}", self.retrieve, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        world = self._world
        async with request.form() as form:
            with world.lock:
                state = world.index(text_field(form, "index_id"))
                asked = SearchRequest.of(form, state)
                clips = self._clips(state, asked)
                expires_ms = world.now_ms() + round(world.knobs.search_page_ttl_s * 1000)
                found = FoundClips(state.number, _units(clips, asked), asked, expires_ms)
                return answer(self._view(self._pages.first(found), with_metadata=asked.with_metadata))

    async def retrieve(self, request: Request) -> Response:
        refuse_unknown(request.query_params, {"include_user_metadata"})
        given = request.query_params.get("include_user_metadata")
        if given not in {None, "true", "false"}:
            raise invalid("include_user_metadata", "It must be true or false.")
        with self._world.lock:
            page = self._pages.page(request.path_params["page_token"])
            # The token of a page belongs to the search, so that the index must still exist.
            self._world.index(self._world.indexes[page.found.index].id)
            with_metadata = page.found.request.with_metadata if given is None else given == "true"
            return answer(self._view(page, with_metadata=with_metadata))

    def _clips(self, state: SimulatedIndex, asked: SearchRequest) -> list[FoundClip]:
        """Best first; equal ones in the order of upload and time."""
        matrix = self._matrices.of(state)
        scores = matches(matrix, state.model, asked.wanted)
        matched = np.flatnonzero(scores)
        searchable = self._searchable(state, asked, matrix.ordinals[matched])
        matched = matched[np.isin(matrix.ordinals[matched], searchable)]
        rows: list[int] = matched[np.argsort(-scores[matched], kind="stable")].tolist()
        if asked.confidence is not None:
            rows = [row for row in rows if asked.confidence.admits(float(scores[row]))]
        return [_found_clip(matrix, row, rank, float(scores[row])) for rank, row in enumerate(rows, 1)]

    def _searchable(self, state: SimulatedIndex, asked: SearchRequest, ordinals: Any) -> list[int]:
        """The ready ones of these assets that pass the filter."""
        world, records = self._world, state.records(np.unique(ordinals).tolist())
        return [
            record.ordinal
            for record in records
            if world.embedding_ready(state, record)
            and (asked.where.passes_all or asked.where.fits(world.indexed_asset_id(state, record.ordinal), record))
        ]

    def _view(self, page: FoundPage, *, with_metadata: bool) -> dict[str, Any]:
        world, found = self._world, page.found
        state = world.indexes[found.index]
        info: dict[str, Any] = {
            "limit_per_page": found.request.limit,
            "total_results": len(found.units),
            "page_expires_at": stamp(world, found.expires_ms),
        }
        if found.request.grouped:
            info["total_inner_matches"] = sum(map(len, found.units))
        neighbours = {"prev_page_token": page.before, "next_page_token": page.after}
        info |= {name: token for name, token in neighbours.items() if token is not None}
        table = state.table(world.now_ms(), world.starts)
        pool = {
            "total_count": state.count(),
            "total_duration": round(float(table.duration.sum()), 2),
            "index_id": state.id,
        }
        clips = [[self._clip(state, found.request, clip, with_metadata) for clip in unit] for unit in page.units]
        data = [_video(unit) for unit in clips] if found.request.grouped else [clip for unit in clips for clip in unit]
        return {"data": data, "page_info": info, "search_pool": pool}

    def _clip(
        self, state: SimulatedIndex, asked: SearchRequest, clip: FoundClip, with_metadata: bool
    ) -> dict[str, Any]:
        world, record = self._world, state.record(clip.ordinal)
        video_id = world.indexed_asset_id(state, clip.ordinal)
        view: dict[str, Any] = {"start": clip.start, "end": clip.end, "video_id": video_id}
        if asked.confidence is None:
            view["rank"] = clip.rank
        else:
            view["score"] = round(100 * clip.similarity, 2)
            view["confidence"] = asked.confidence.level(clip.similarity)
        if record.video_stream:
            view["thumbnail_url"] = clip_thumbnail(world, video_id, clip.start)
        if clip.speech:
            view["transcription"] = clip.speech
        if with_metadata:
            view["user_metadata"] = dict(record.user_metadata)
        return view


def _found_clip(matrix: SegmentMatrix, row: int, rank: int, score: float) -> FoundClip:
    start, end = matrix.ranges[row]
    return FoundClip(int(matrix.ordinals[row]), start, end, matrix.speech[row], rank, min(1.0, score))


def _units(clips: list[FoundClip], asked: SearchRequest) -> list[list[FoundClip]]:
    """Videos go by their best clip, or by their number of clips."""
    if not asked.grouped:
        return [[clip] for clip in clips]
    by_video = sorted(clips, key=attrgetter("ordinal", "rank"))
    videos = [list(group) for _, group in groupby(by_video, key=attrgetter("ordinal"))]
    if asked.by_clip_count:
        return sorted(videos, key=lambda video: (-len(video), video[0].rank))
    return sorted(videos, key=lambda video: video[0].rank)


def _video(clips: list[dict[str, Any]]) -> dict[str, Any]:
    view = {"id": clips[0]["video_id"], "clips": clips}
    return {**view, "user_metadata": clips[0]["user_metadata"]} if "user_metadata" in clips[0] else view
