"""Progress bar: assets done, segments per second, time remaining. Shown on a terminal only."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from connector.cli.output import err
from connector.domain.events import ChangeFinished, ChangesPlanned, Event


class ProgressBar:
    """One line for each index; the engine calls `observe`."""

    def __init__(self, *, shown: bool = True) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("assets"),
            _SegmentsPerSecond(),
            TimeRemainingColumn(),
            console=err,
            disable=not shown or not err.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._segments: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def observe(self, event: Event) -> None:
        if isinstance(event, ChangesPlanned):
            self._segments[event.index_id] = 0
            name = event.index_name or event.index_id
            self._tasks[event.index_id] = self._progress.add_task(name, total=event.count, segments=0)
        elif isinstance(event, ChangeFinished) and event.index_id in self._tasks:
            self._segments[event.index_id] += event.result.points
            self._progress.update(self._tasks[event.index_id], advance=1, segments=self._segments[event.index_id])

    def show(self, progress: Mapping[str, Sequence[int]]) -> None:
        """Show progress that the daemon reports: index id -> (assets done, assets planned)."""
        for index_id, (done, planned) in progress.items():
            if index_id not in self._tasks:
                self._tasks[index_id] = self._progress.add_task(index_id, total=None, segments=0)
            self._progress.update(self._tasks[index_id], completed=done, total=planned or None)


class _SegmentsPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = task.fields["segments"] / task.elapsed if task.elapsed else 0.0
        return Text(f"{rate:,.0f} segments/s")
