"""/indexes and /indexes/{id}."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api.api_errors import ApiError, invalid, not_provided
from connector.simulator.api.json_io import answer, empty, json_object, required
from connector.simulator.api.list_filters import instant
from connector.simulator.api.listing import ListingPage, SortOrder, refuse_unknown, sorted_page
from connector.simulator.api.views import index_view
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.models import INDEX_MODELS
from connector.simulator.world.scenario import IndexSpec
from connector.simulator.world.world import World

_LIST_PARAMETERS = {
    "page", "page_limit", "sort_by", "sort_option", "index_name", "model_options", "model_family", "created_at",
    "updated_at",
}  # fmt: skip


class IndexesApi:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/indexes", self.list, methods=["GET"]),
            Route("/indexes", self.create, methods=["POST"]),
            Route("/indexes/{index_id}", self.retrieve, methods=["GET"]),
            Route("/indexes/{index_id}", self.rename, methods=["PUT"]),
            Route("/indexes/{index_id}", self.delete, methods=["DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        query = request.query_params
        refuse_unknown(query, _LIST_PARAMETERS)
        page, order = ListingPage.of(query), SortOrder.of(query)
        with self._world.lock:
            found = [state for state in self._world.living_indexes() if _wanted(state, query)]
            by_created = order.by == "created_at"
            shown = sorted_page(found, order, page, lambda state: state.created_ms if by_created else state.updated_ms)
            data = [index_view(self._world, state) for state in shown]
            return answer(page.envelope(data, len(found), self._world.knobs.past_end))

    async def retrieve(self, request: Request) -> Response:
        refuse_unknown(request.query_params, set())
        with self._world.lock:
            return answer(index_view(self._world, self._world.index(request.path_params["index_id"])))

    async def create(self, request: Request) -> Response:
        body = await json_object(request)
        name = required(body, "index_name", str)
        model, options = _model(required(body, "models", list))
        addons = _addons(body.get("addons"))
        with self._world.lock:
            if any(state.name == name for state in self._world.living_indexes()):
                raise ApiError(400, "index_name_already_exists", f"The index name {name} already exists.")
            spec = IndexSpec(name=name, model=model, options=options)
            state = self._world.open_index(spec, self._world.now_ms())
            state.addons = addons
            return answer({"_id": state.id}, 201)

    async def rename(self, request: Request) -> Response:
        name = required(await json_object(request), "index_name", str)
        with self._world.lock:
            state = self._world.index(request.path_params["index_id"])
            state.name = name
            state.updated_ms = self._world.now_ms()
        return empty()

    async def delete(self, request: Request) -> Response:
        with self._world.lock:
            self._world.index(request.path_params["index_id"]).deleted = True
        return empty()


def _wanted(state: SimulatedIndex, query: Any) -> bool:
    created, updated = instant(query, "created_at"), instant(query, "updated_at")
    options = [option for option in query.get("model_options", "").split(",") if option]
    return (
        query.get("index_name", state.name) == state.name
        and state.model.name.startswith(query.get("model_family", ""))
        and all(option in state.model_options for option in options)
        and (created is None or state.created_ms >= created)
        and (updated is None or state.updated_ms >= updated)
    )


def _model(models: list[Any]) -> tuple[Any, tuple[Any, ...]]:
    """The first model of the request; an index has at most one embedding model."""
    if not models or not isinstance(models[0], dict):
        raise not_provided("models")
    name, options = models[0].get("model_name"), models[0].get("model_options") or []
    if not isinstance(name, str) or name not in INDEX_MODELS:
        raise invalid("model_name", f"It must be one of {', '.join(INDEX_MODELS)}.")
    if not isinstance(options, list) or not options or any(option not in ("visual", "audio") for option in options):
        raise invalid("model_options", "It must list visual, audio or both.")
    return name, tuple(options)


def _addons(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | None) or any(not isinstance(addon, str) for addon in value or ()):
        raise invalid("addons", "It must be an array of strings.")
    return tuple(value or ())
