"""/embed-v2/tasks: embeds media that are in no index, in the background (Embed API v2)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api.embedding_tasks import EmbeddingTasks
from connector.simulator.api.json_io import answer, json_object
from connector.simulator.api.media_request import embedding_order
from connector.simulator.api.views import stamp
from connector.simulator.world.embedding_task import EmbeddingOrder, EmbeddingTask, embedded
from connector.simulator.world.models import MODELS
from connector.simulator.world.vectors import shortest_decimals
from connector.simulator.world.world import World

_FAILURE = "The embedding task could not complete processing."


class EmbedV2TasksApi:
    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks = EmbeddingTasks(world, 2)

    def routes(self) -> list[Route]:
        return [
            Route("/embed-v2/tasks", self.list, methods=["GET"]),
            Route("/embed-v2/tasks", self.create, methods=["POST"]),
            Route("/embed-v2/tasks/{task_id}", self.retrieve, methods=["GET"]),
        ]

    async def list(self, request: Request) -> Response:
        world = self._world
        with world.lock:
            page, tasks, total = self._tasks.page(request.query_params)
            data = [self._listed(task) for task in tasks]
            return answer(page.envelope(data, total, world.knobs.past_end))

    async def create(self, request: Request) -> Response:
        body = await json_object(request)
        with self._world.lock:
            task = self._tasks.create(embedding_order(body, self._world, self._tasks.next_key))
        view: dict[str, Any] = {"_id": task.id, "status": "processing", "data": None}
        return answer({**view, **_dimension(task.order, nested=True)}, 202)

    async def retrieve(self, request: Request) -> Response:
        world = self._world
        with world.lock:
            task = self._tasks.one(request.path_params["task_id"])
            status = task.status(world.now_ms())
            view = {"_id": task.id, "status": status, **self._dates(task), "data": None}
            if status == "failed":
                view["error"] = {"message": _FAILURE}
            if status == "ready":
                view["data"] = [
                    {
                        "embedding": shortest_decimals(one.vector[None, :])[0],
                        "embedding_option": one.option,
                        "embedding_scope": one.scope,
                        "start_sec": None if task.order.media == "image" else one.start,
                        "end_sec": None if task.order.media == "image" else one.end,
                    }
                    for one in embedded(world.scenario.seed, task.order)
                ]
                view["metadata"] = _metadata(task.order)
                if task.order.model is MODELS["marengo3.5"]:
                    view["usage"] = {"input_tokens": {task.order.media: len(view["data"])}, "truncated": False}
            return answer(view)

    def _listed(self, task: EmbeddingTask) -> dict[str, Any]:
        order = task.order
        metadata: dict[str, Any] = {
            **order.source.facts,
            f"{order.media}_embedding_option": list(order.options),
            f"{order.media}_embedding_scope": list(order.scopes),
        }
        if order.media != "image":
            metadata["duration"] = order.source.content.duration
        return {
            "_id": task.id,
            "model_name": order.model.name,
            "status": task.status(self._world.now_ms()),
            **self._dates(task),
            f"{order.media}_embedding": {"metadata": metadata},
        }

    def _dates(self, task: EmbeddingTask) -> dict[str, Any]:
        world = self._world
        return {
            "created_at": stamp(world, task.created_ms),
            "updated_at": stamp(world, task.updated_ms(world.now_ms())),
        }


def _metadata(order: EmbeddingOrder) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "input_type": order.media,
        **order.source.facts,
        "embedding_options": list(order.options),
        "embedding_scopes": list(order.scopes),
        **_dimension(order, nested=False),
    }
    if order.media == "image":
        return metadata
    if order.clip_length is not None and order.media == "video":
        metadata["clip_length"] = int(order.clip_length)
    start, end = order.span
    return {
        **metadata,
        "duration": order.source.content.duration,
        "start_offset_sec": start,
        "end_offset_sec": end,
    }


def _dimension(order: EmbeddingOrder, *, nested: bool) -> dict[str, Any]:
    """Only marengo3.5 says the length of its vectors."""
    if order.model is not MODELS["marengo3.5"]:
        return {}
    facts = {"embedding_dimension": order.dimension}
    return {"metadata": facts} if nested else facts
