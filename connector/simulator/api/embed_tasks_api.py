"""/embed/tasks: embeds a video that is in no index (Embed API v1)."""

from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api.api_errors import invalid
from connector.simulator.api.embed_api import v1_model
from connector.simulator.api.embedding_tasks import EmbeddingTasks, time_range
from connector.simulator.api.forms import media_name, number_field, text_field, titled
from connector.simulator.api.json_io import answer
from connector.simulator.api.listing import refuse_unknown
from connector.simulator.api.views import stamp
from connector.simulator.world.embedding_task import (
    EmbeddingOrder,
    EmbeddingTask,
    MediaSource,
    embedded,
    fixed_edges,
)
from connector.simulator.world.population import written_content
from connector.simulator.world.vectors import shortest_decimals
from connector.simulator.world.world import World

_SCOPES = ("clip", "video")
_RANGE = ("video_start_offset_sec", "video_end_offset_sec")
_USUAL_CLIP, _SHORTEST_CLIP, _LONGEST_CLIP = 6.0, 2.0, 10.0


class EmbedTasksApi:
    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks = EmbeddingTasks(world, 1)

    def routes(self) -> list[Route]:
        return [
            Route("/embed/tasks", self.list, methods=["GET"]),
            Route("/embed/tasks", self.create, methods=["POST"]),
            Route("/embed/tasks/{task_id}", self.retrieve, methods=["GET"]),
            Route("/embed/tasks/{task_id}/status", self.status, methods=["GET"]),
        ]

    async def list(self, request: Request) -> Response:
        world = self._world
        with world.lock:
            page, tasks, total = self._tasks.page(request.query_params)
            data = [{**self._view(task), **self._dates(task)} for task in tasks]
            return answer(page.envelope(data, total, world.knobs.past_end))

    async def create(self, request: Request) -> Response:
        async with request.form() as form:
            with self._world.lock:
                task = self._tasks.create(self._order(form))
        return answer({"_id": task.id})

    async def status(self, request: Request) -> Response:
        with self._world.lock:
            return answer(self._view(self._tasks.one(request.path_params["task_id"])))

    async def retrieve(self, request: Request) -> Response:
        """With all segments, or those of the given options."""
        refuse_unknown(request.query_params, {"embedding_option"})
        with self._world.lock:
            task = self._tasks.one(request.path_params["task_id"])
            wanted = request.query_params.getlist("embedding_option") or task.order.options
            if not set(wanted) <= set(task.order.options):
                raise invalid("embedding_option", f"It must be one of {', '.join(task.order.options)}.")
            view = {**self._view(task), **self._dates(task)}
            if task.status(self._world.now_ms()) != "ready":
                return answer({**view, "video_embedding": None})
            ranges = [one for one in embedded(self._world.scenario.seed, task.order) if one.option in wanted]
            segments = [
                {
                    "float": shortest_decimals(one.vector[None, :])[0],
                    "start_offset_sec": one.start,
                    "end_offset_sec": one.end,
                    "embedding_option": one.option,
                    "embedding_scope": one.scope,
                }
                for one in ranges
            ]
            return answer({**view, "video_embedding": {**view["video_embedding"], "segments": segments}})

    def _order(self, form: FormData) -> EmbeddingOrder:
        model = v1_model(form)
        name = media_name(form, "video_url", "" if form.get("video_url") else "video_file")
        content = written_content(self._tasks.next_key, titled(name), self._world.scenario.seed)
        scopes = tuple(dict.fromkeys(str(scope) for scope in form.getlist("video_embedding_scope"))) or _SCOPES[:1]
        if not set(scopes) <= set(_SCOPES):
            raise invalid("video_embedding_scope", "It must be clip or video.")
        start, end = (number_field(form, field, -1.0) if field in form else None for field in _RANGE)
        if (start is None) != (end is None):
            raise invalid(_RANGE[start is not None], "Set both offsets, or none.")
        first, last = time_range(_RANGE, start, end, content.duration)
        length = number_field(form, "video_clip_length", _USUAL_CLIP)
        if not _SHORTEST_CLIP <= length <= _LONGEST_CLIP:
            raise invalid("video_clip_length", "It must be a number from 2 to 10.")
        return EmbeddingOrder(
            model=model,
            media="video",
            source=MediaSource(content, _input(form, name)),
            options=tuple(model.options),
            scopes=scopes,
            span=(first, last),
            edges=fixed_edges(first, last, length),
            clip_length=length,
            dimension=model.dimension,
        )

    def _view(self, task: EmbeddingTask) -> dict[str, Any]:
        order = task.order
        metadata = {
            **order.source.facts,
            "video_clip_length": order.clip_length,
            "video_embedding_scope": list(order.scopes),
            "video_embedding_option": list(order.options),
            "duration": order.source.content.duration,
        }
        return {
            "_id": task.id,
            "model_name": order.model.vector_name,
            "status": task.status(self._world.now_ms()),
            "video_embedding": {"metadata": metadata},
        }

    def _dates(self, task: EmbeddingTask) -> dict[str, Any]:
        world = self._world
        return {
            "created_at": stamp(world, task.created_ms),
            "updated_at": stamp(world, task.updated_ms(world.now_ms())),
        }


def _input(form: FormData, name: str) -> dict[str, str]:
    """A URL takes precedence over a file."""
    if not form.get("video_url") and isinstance(form.get("video_file"), UploadFile):
        return {"input_filename": name}
    return {"input_url": text_field(form, "video_url")}
