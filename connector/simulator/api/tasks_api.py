"""/tasks: every indexed asset has a task, which outlives the asset."""

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api.api_errors import ApiError
from connector.simulator.api.forms import media_name, metadata_field, text_field, titled
from connector.simulator.api.json_io import answer, empty
from connector.simulator.api.list_filters import AssetFilter
from connector.simulator.api.listing import ListingPage, SortOrder, refuse_unknown
from connector.simulator.api.views import task_view
from connector.simulator.world import changes
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.world import World

_LIST_PARAMETERS = {
    "page", "page_limit", "sort_by", "sort_option", "index_id", "status", "filename", "duration", "width", "height",
    "created_at", "updated_at",
}  # fmt: skip


class TasksApi:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/tasks", self.list, methods=["GET"]),
            Route("/tasks", self.create, methods=["POST"]),
            Route("/tasks/{task_id}", self.retrieve, methods=["GET"]),
            Route("/tasks/{task_id}", self.delete, methods=["DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        world, query = self._world, request.query_params
        refuse_unknown(query, _LIST_PARAMETERS)
        page, order = ListingPage.of(query), SortOrder.of(query)
        with world.lock:
            index_id = query.get("index_id")
            states = world.living_indexes() if index_id is None else [world.index(index_id)]
            found = [place for state in states for place in _places(world, state, query, order)]
            found.sort(key=lambda place: place[0], reverse=order.descending)
            shown = [found[place] for place in page.span(len(found))]
            data = [task_view(world, state, state.record(ordinal)) for _, state, ordinal in shown]
            return answer(page.envelope(data, len(found), world.knobs.past_end))

    async def create(self, request: Request) -> Response:
        """Upload and index in one step (legacy)."""
        async with request.form() as form:
            index_id, name = text_field(form, "index_id"), media_name(form, "video_url", "video_file")
            metadata, stream = metadata_field(form), form.get("enable_video_stream") != "false"
        world = self._world
        with world.lock:
            state = world.index(index_id)
            upload = world.upload(titled(name), "direct")
            record = changes.index_upload(world, state, upload, metadata, stream=stream)
            ids = {
                "_id": world.task_id(state, record.ordinal),
                "video_id": world.indexed_asset_id(state, record.ordinal),
            }
        return answer(ids, 201)

    async def retrieve(self, request: Request) -> Response:
        world = self._world
        with world.lock:
            return answer(task_view(world, *world.task(request.path_params["task_id"])))

    async def delete(self, request: Request) -> Response:
        """Delete a task, only if its asset failed or was deleted."""
        world = self._world
        with world.lock:
            task_id = request.path_params["task_id"]
            state, record = world.task(task_id)
            status = world.status(state, record).name
            if state.has(record.ordinal) and status != "failed":
                raise ApiError(400, "parameter_invalid", f"The task {task_id} is {status}: delete its video first.")
            world.deleted_tasks.add(task_id)
        return empty()


def _places(
    world: World, state: SimulatedIndex, query: QueryParams, order: SortOrder
) -> list[tuple[int, SimulatedIndex, int]]:
    """(sort key, index, ordinal) of the tasks that match."""
    asked = QueryParams([(name, value) for name, value in query.multi_items() if name != "index_id"])
    table = state.table(world.now_ms(), world.starts)
    rows = AssetFilter.of(asked, None).rows(table, state.records, patched_only=False)
    keys = (table.created_ms if order.by == "created_at" else table.updated_ms)[rows]
    return [(key, state, ordinal) for key, ordinal in zip(keys.tolist(), table.ordinals[rows].tolist(), strict=True)]
