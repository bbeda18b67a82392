"""The embedding tasks of one version of the Embed API: creates, finds and lists them."""

from typing import Literal

from starlette.datastructures import QueryParams

from connector.simulator.api.api_errors import ApiError, invalid, missing
from connector.simulator.api.list_filters import instant
from connector.simulator.api.listing import ListingPage, refuse_unknown
from connector.simulator.world.embedding_task import EmbeddingOrder, EmbeddingTask
from connector.simulator.world.ids import IdKind, well_formed
from connector.simulator.world.world import World

_LIST_PARAMETERS = {"started_at", "ended_at", "status", "page", "page_limit"}
_STATUSES = ("processing", "ready", "failed")


class EmbeddingTasks:
    """Call with the world locked. A task is gone seven days after its creation."""

    def __init__(self, world: World, version: Literal[1, 2]) -> None:
        self._world = world
        self._version: Literal[1, 2] = version
        self._tasks: dict[str, EmbeddingTask] = {}

    @property
    def next_key(self) -> str:
        """Determines the noise of the next task's content."""
        return f"embed/{self._version}/{len(self._tasks)}"

    def create(self, order: EmbeddingOrder) -> EmbeddingTask:
        world, now = self._world, self._world.now_ms()
        task_id = world.codec.encode(IdKind.EMBEDDING_TASK, self._version, len(self._tasks))
        task = EmbeddingTask(task_id, self._version, order, now, now + world.starts[-1], world.knobs.embed_task_fate)
        self._tasks[task_id] = task
        return task

    def one(self, task_id: str) -> EmbeddingTask:
        """Raises ApiError 400 or 404."""
        if not well_formed(task_id):
            raise invalid("task_id", "It must be 24 hexadecimal digits.")
        task = self._tasks.get(task_id)
        if task is None or not task.is_kept(self._world.now_ms()):
            raise missing("embed-tasks", task_id)
        return task

    def page(self, query: QueryParams) -> tuple[ListingPage, list[EmbeddingTask], int]:
        """Newest first, and how many match. Raises ApiError 400."""
        refuse_unknown(query, _LIST_PARAMETERS)
        page, now, status = ListingPage.of(query), self._world.now_ms(), query.get("status")
        if status is not None and status not in _STATUSES:
            raise invalid("status", f"It must be one of {', '.join(_STATUSES)}.")
        after, before = instant(query, "started_at"), instant(query, "ended_at")
        found = [
            task
            for task in reversed(self._tasks.values())
            if task.is_kept(now)
            and status in {None, task.status(now)}
            and (after is None or task.created_ms >= after)
            and (before is None or task.created_ms <= before)
        ]
        return page, [found[place] for place in page.span(len(found))], len(found)


def time_range(names: tuple[str, str], start: float | None, end: float | None, duration: float) -> tuple[float, float]:
    """Raises ApiError 400 for a range that is empty or not in the media."""
    first, last = (0.0 if start is None else start), (duration if end is None else end)
    if first < 0 or last > duration:
        raise invalid(names[0] if first < 0 else names[1], f"The media last {duration:g} seconds.")
    if last <= first:
        raise invalid(names[1], "The end must be greater than the start.")
    return first, last


def not_simulated(parameter: str, what: str) -> ApiError:
    return invalid(parameter, f"The simulator does not embed {what}.")
