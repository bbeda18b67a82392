"""/indexes/{id}/indexed-assets and the legacy endpoint /indexes/{id}/videos."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api.api_errors import ApiError, invalid
from connector.simulator.api.json_io import answer, empty, json_object, metadata_of, raw_answer, required
from connector.simulator.api.listing import ListingPage, asset_page, refuse_unknown
from connector.simulator.api.views import detail_view, item_view, video_view
from connector.simulator.faults.drift import drift_after
from connector.simulator.world import changes
from connector.simulator.world.embedding import segment_list, transcription, vector_model
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.records import Record
from connector.simulator.world.world import World

_RETRIEVE_PARAMETERS = {"embedding_option", "transcription"}
_BOOLEANS = {"true": True, "false": False}


class IndexedAssetsApi:
    def __init__(self, world: World) -> None:
        self._world = world
        self._listings = 0

    def routes(self) -> list[Route]:
        assets, videos = "/indexes/{index_id}/indexed-assets", "/indexes/{index_id}/videos"
        return [
            Route(assets, self.list, methods=["GET"]),
            Route(assets, self.create, methods=["POST"]),
            Route(f"{assets}/{{asset_id}}", self.retrieve, methods=["GET"]),
            Route(f"{assets}/{{asset_id}}", self.update, methods=["PATCH"]),
            Route(f"{assets}/{{asset_id}}", self.delete, methods=["DELETE"]),
            Route(videos, self.list_videos, methods=["GET"]),
            Route(f"{videos}/{{asset_id}}", self.retrieve_video, methods=["GET"]),
            Route(f"{videos}/{{asset_id}}", self.update, methods=["PATCH"]),
            Route(f"{videos}/{{asset_id}}", self.delete, methods=["DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        return self._list(request, only_ready=False)

    async def list_videos(self, request: Request) -> Response:
        return self._list(request, only_ready=True)

    def _list(self, request: Request, *, only_ready: bool) -> Response:
        world, query = self._world, request.query_params
        page = ListingPage.of(query)
        with world.lock:
            self._listings += 1
            state = world.index(request.path_params["index_id"])
            records, total = asset_page(world, state, query, page, only_ready=only_ready, request=self._listings)
            views = [item_view(world, state, record) for record in records]
            data = [video_view(view, retrieved=False) for view in views] if only_ready else views
            envelope = page.envelope(data, total, world.knobs.past_end)
            drift_after(world, state, page, records, total)
        return answer(envelope)

    async def retrieve(self, request: Request) -> Response:
        return raw_answer(await asyncio.to_thread(self._retrieval(request, lambda view: view)))

    async def retrieve_video(self, request: Request) -> Response:
        def as_video(view: dict[str, Any]) -> dict[str, Any]:
            if view["status"] != "ready":
                raise ApiError(404, "resource_not_exist", f"Resource with id {view['_id']} does not exist in videos.")
            return video_view(view, retrieved=True)

        return raw_answer(await asyncio.to_thread(self._retrieval(request, as_video)))

    def _retrieval(self, request: Request, shape: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[], bytes]:
        """Decide under the lock; the caller's thread does the expensive part."""
        world, query, path = self._world, request.query_params, request.path_params
        refuse_unknown(query, _RETRIEVE_PARAMETERS)
        options = list(dict.fromkeys(query.getlist("embedding_option")))
        wants_words = _flag(query, "transcription")
        with world.lock:
            state, record = world.indexed_asset(path["index_id"], path["asset_id"])
            view = shape(detail_view(world, state, record))
            embed = _embedding(world, state, record, options) if options else None
            words = wants_words and world.embedding_ready(state, record)
            seed = world.scenario.seed

        def render() -> bytes:
            if embed is not None:
                view["embedding"] = embed()
            if words:
                view["transcription"] = transcription(seed, record.content) or None
            return msgspec.json.encode(view)

        return render

    async def create(self, request: Request) -> Response:
        body = await json_object(request)
        upload_id = required(body, "asset_id", str)
        metadata = metadata_of(body) if body.get("user_metadata") is not None else {}
        stream = body.get("enable_video_stream")
        if not isinstance(stream, bool | None):
            raise invalid("enable_video_stream", "It must be true or false.")
        world = self._world
        with world.lock:
            state = world.index(request.path_params["index_id"])
            record = changes.index_upload(world, state, world.asset(upload_id), metadata, stream=stream is not False)
            asset_id = world.indexed_asset_id(state, record.ordinal)
        location = {"location": f"/indexes/{state.id}/indexed-assets/{asset_id}"}
        return answer({"_id": asset_id, "asset_id": upload_id}, 202, location)

    async def update(self, request: Request) -> Response:
        metadata = metadata_of(await json_object(request))
        with self._world.lock:
            state, record = self._found(request)
            changes.patch_metadata(self._world, state, record.ordinal, metadata)
        return empty()

    async def delete(self, request: Request) -> Response:
        with self._world.lock:
            state, record = self._found(request)
            state.remove(record.ordinal)
        return empty()

    def _found(self, request: Request) -> tuple[SimulatedIndex, Record]:
        return self._world.indexed_asset(request.path_params["index_id"], request.path_params["asset_id"])


def _flag(query: QueryParams, name: str) -> bool:
    text = query.get(name, "false")
    if text not in _BOOLEANS:
        raise invalid(name, "It must be true or false.")
    return _BOOLEANS[text]


def _embedding(
    world: World, state: SimulatedIndex, record: Record, options: list[str]
) -> Callable[[], dict[str, Any]] | None:
    """The inputs of the response's `embedding`; None if it has none. Knobs may make it raise ApiError."""
    knobs, model = world.knobs, vector_model(record, state.model)
    enabled = model.enabled(state.model_options)
    refused = [option for option in options if option not in enabled]
    if refused and knobs.disabled_option == "400":
        raise invalid(
            "embedding_option", f"{refused[0]} is not available: the index offers {', '.join(enabled) or 'none'}."
        )
    if not world.embedding_ready(state, record):
        if knobs.not_ready_embedding == "200_no_embedding":
            return None
        raise ApiError(int(knobs.not_ready_embedding), "embedding_not_available", "The embedding is not available yet.")
    served = [option for option in options if option in enabled]
    if not enabled:
        return None
    return lambda: {
        "model_name": model.vector_name,
        "video_embedding": {"segments": segment_list(world.scenario.seed, record, model, served, knobs)},
    }
