"""/assets: uploaded assets, independent of indexes."""

from typing import Any

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api import catalog
from connector.simulator.api.api_errors import ApiError, invalid, missing, not_provided
from connector.simulator.api.forms import media_name, metadata_field, titled
from connector.simulator.api.json_io import answer, empty, json_object, metadata_of
from connector.simulator.api.listing import ListingPage, refuse_unknown
from connector.simulator.api.views import asset_view
from connector.simulator.world import changes
from connector.simulator.world.embedding import sentences, transcription
from connector.simulator.world.world import World

_LIST_PARAMETERS = {"page", "page_limit", "asset_ids", "asset_types", "filename"}
_INCLUDES = ("words", "sentences", "utterances")


class AssetsApi:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        one = "/assets/{asset_id}"
        return [
            Route("/assets", self.list, methods=["GET"]),
            Route("/assets", self.create, methods=["POST"]),
            Route(one, self.retrieve, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/indexed-assets", self.indexed, methods=["GET"]),
            Route(f"{one}/transcription", self.transcription, methods=["GET"]),
            Route(f"{one}/user-metadata", self.merge_metadata, methods=["PATCH"]),
            Route(f"{one}/user-metadata", self.replace_metadata, methods=["PUT"]),
            Route(f"{one}/user-metadata", self.clear_metadata, methods=["DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        world, query = self._world, request.query_params
        refuse_unknown(query, _LIST_PARAMETERS)
        page = ListingPage.of(query)
        with world.lock:
            uploads, total = catalog.page_of(world, page, _Wanted(query))
            return answer(page.envelope([asset_view(world, upload) for upload in uploads], total, world.knobs.past_end))

    async def create(self, request: Request) -> Response:
        async with request.form() as form:
            method, filename, metadata = _method(form), _filename(form), metadata_field(form)
        with self._world.lock:
            upload = self._world.upload(titled(filename), method, metadata)
            return answer({**asset_view(self._world, upload), "status": "processing"}, 201)

    async def retrieve(self, request: Request) -> Response:
        with self._world.lock:
            return answer(asset_view(self._world, self._world.asset(request.path_params["asset_id"])))

    async def delete(self, request: Request) -> Response:
        world = self._world
        with world.lock:
            upload = world.asset(request.path_params["asset_id"])
            if request.query_params.get("force") != "true" and world.indexed_from(upload.id):
                raise ApiError(409, "conflict", f"Indexed assets reference the asset {upload.id}; use force=true.")
            world.deleted_assets.add(upload.id)
        return empty()

    async def indexed(self, request: Request) -> Response:
        world = self._world
        page = ListingPage.of(request.query_params)
        with world.lock:
            found = world.indexed_from(world.asset(request.path_params["asset_id"]).id)
            shown = [found[place] for place in page.span(len(found))]
            data = [
                {"_id": world.indexed_asset_id(state, ordinal), "index": {"_id": state.id, "name": state.name}}
                for state, ordinal in shown
            ]
            return answer(page.envelope(data, len(found), world.knobs.past_end))

    async def transcription(self, request: Request) -> Response:
        wanted = _includes(request.query_params)
        with self._world.lock:
            upload = self._world.asset(request.path_params["asset_id"])
            seed = self._world.scenario.seed
        words = transcription(seed, upload.content)
        if not words:
            raise missing("transcriptions", upload.id)
        kinds = {
            "words": words,
            "sentences": sentences(seed, upload.content),
            "utterances": sentences(seed, upload.content),
        }
        return answer({"status": "ready", **{kind: kinds[kind] for kind in wanted}})

    async def merge_metadata(self, request: Request) -> Response:
        metadata = metadata_of(await json_object(request))
        with self._world.lock:
            upload = self._world.asset(request.path_params["asset_id"])
            merged = changes.merged(self._world.metadata_of_asset(upload), metadata)
            changes.set_asset_metadata(self._world, upload, merged)
        return empty()

    async def replace_metadata(self, request: Request) -> Response:
        return self._set_metadata(request, metadata_of(await json_object(request)))

    async def clear_metadata(self, request: Request) -> Response:
        return self._set_metadata(request, {})

    def _set_metadata(self, request: Request, metadata: dict[str, Any]) -> Response:
        with self._world.lock:
            upload = self._world.asset(request.path_params["asset_id"])
            changes.set_asset_metadata(self._world, upload, metadata)
        return empty()


class _Wanted:
    """`asset_ids` and `asset_types` may be repeated; `filename` matches a part of the name, case-insensitively."""

    def __init__(self, query: QueryParams) -> None:
        self._ids = frozenset(query.getlist("asset_ids"))
        self._types = frozenset(query.getlist("asset_types"))
        self._part = query.get("filename", "").lower()
        self.passes_all = not (self._ids or self._part or (self._types and "video" not in self._types))

    def __call__(self, asset_id: str, filename: str) -> bool:
        typed = not self._types or "video" in self._types
        return typed and self._part in filename.lower() and (not self._ids or asset_id in self._ids)


def _method(form: FormData) -> str:
    method = form.get("method")
    if method is None:
        raise not_provided("method")
    if method not in {"direct", "url"}:
        raise invalid("method", "It must be direct or url.")
    return str(method)


def _filename(form: FormData) -> str:
    found = media_name(form, "url", "" if form.get("method") == "url" else "file")
    given = form.get("filename")
    return given if isinstance(given, str) and given else found


def _includes(query: QueryParams) -> list[str]:
    refuse_unknown(query, {"include"})
    wanted = [kind for text in query.getlist("include") or ["words"] for kind in text.split(",")]
    for kind in wanted:
        if kind not in _INCLUDES:
            raise invalid("include", f"It must be one of {', '.join(_INCLUDES)}.")
    return wanted
