"""Progress bars: one row for each index from the start. Shown on a terminal only."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Self

from rich.console import RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.table import Column
from rich.text import Text

from connector.cli.output import err, number
from connector.cli.recent_rate import RecentRate
from connector.domain.events import ChangeFinished, ChangesPlanned, Event
from connector.domain.report import CycleReport
from connector.telemetry import logs

_NARROW = 84
"""A terminal narrower than this shows short bars and no segments per second."""
_BAR_WIDTH, _SHORT_BAR_WIDTH = 16, 10
_NAME_WIDTH = 32
_OTHER_COLUMNS = 42
"""What the short bar, the counts and the remaining time take."""


class ProgressBars:
    """The command names the indexes, the engine calls `observe`. While the bars are shown, logs are warnings only."""

    def __init__(self, *, shown: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self.shown = shown and err.is_terminal
        rate = [_SegmentsPerSecond()] if err.width >= _NARROW else []
        self._progress = _Rows(
            _Name(), _BarOrState(), _Count(), *rate, _Remaining(), console=err, disable=not self.shown
        )
        self._clock = clock
        self._rows: dict[str, TaskID] = {}
        self._rates: dict[str, RecentRate] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self.shown:
            self._open.enter_context(logs.beside_progress())
            self._open.enter_context(self._progress)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def expect(self, names: Mapping[str, str | None]) -> None:
        """Add a row for each of these indexes (id -> name)."""
        if not self.shown:
            return
        for index_id, name in names.items():
            if index_id not in self._rows:
                self._rows[index_id] = self._progress.add_task(
                    name or index_id, total=None, state="waiting", rate=None, unit="assets"
                )

    def begin(self, index_id: str) -> None:
        self._update(index_id, state="listing")

    def observe(self, event: Event) -> None:
        if isinstance(event, ChangesPlanned):
            self.expect({event.index_id: event.index_name})
            if event.index_name:
                self._update(event.index_id, description=event.index_name)
            self._plan(event.index_id, event.count)
        elif isinstance(event, ChangeFinished):
            self._rates[event.index_id].add(1, event.result.points)
            self._update(event.index_id, advance=1)

    def read(self, index_id: str, done: int, total: int) -> None:
        """Show how many points of the index were read."""
        self.expect({index_id: None})
        if index_id not in self._rates or not done:
            self._rates[index_id] = RecentRate(self._clock)
        before = self._progress.tasks[self._rows[index_id]].completed if self.shown else 0
        self._rates[index_id].add(max(round(done - before), 0), max(round(done - before), 0))
        rate = self._rates[index_id]
        self._update(index_id, total=total or None, completed=done, state="no points", rate=rate, unit="points")

    def end(self, report: CycleReport) -> None:
        if report.error:
            self._update(report.index_id, state="not completed")

    def show(self, progress: Mapping[str, Sequence[Any]]) -> None:
        """Show progress that the daemon reports: index id -> (assets done, assets planned, None until it is known).

        A third element is the unit, if it is not assets.
        """
        self.expect(dict.fromkeys(progress))
        for index_id, (done, planned, *unit) in progress.items() if self.shown else ():
            if planned is None or done is None:
                self.begin(index_id)
                continue
            if unit:
                self.read(index_id, done, planned)
                continue
            before = self._progress.tasks[self._rows[index_id]]
            if before.total != (planned or None) or index_id not in self._rates:
                self._plan(index_id, planned)
            if done > before.completed:
                self._rates[index_id].add(round(done - before.completed), 0)
            self._update(index_id, completed=done)

    def _plan(self, index_id: str, planned: int) -> None:
        """Without work the row has no bar, only its state."""
        self._rates[index_id] = RecentRate(self._clock)
        rate = self._rates[index_id]
        self._update(index_id, total=planned or None, completed=0, state="nothing to do", rate=rate, unit="assets")

    def _update(self, index_id: str, **changes: object) -> None:
        if self.shown:
            self._progress.update(self._rows[index_id], **changes)  # type: ignore[arg-type]  # fields of a row


class _Rows(Progress):
    """Leaves out finished rows, the oldest first, if the terminal is not high enough for all."""

    def get_renderables(self) -> Iterable[RenderableType]:
        rows = self.tasks
        for row in self.tasks:
            if len(rows) < err.height:
                break
            if row.finished or row.fields["state"] in ("nothing to do", "not completed"):
                rows = [other for other in rows if other is not row]
        yield self.make_tasks_table(rows[: err.height - 1])


class _Name(ProgressColumn):
    def __init__(self) -> None:
        self._width = max(min(_NAME_WIDTH, err.width - _OTHER_COLUMNS), 8)
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        name = Text("".join(char for char in task.description if char.isprintable()))
        name.truncate(self._width, overflow="ellipsis")
        return name


class _BarOrState(BarColumn):
    def __init__(self) -> None:
        super().__init__(bar_width=_BAR_WIDTH if err.width >= _NARROW else _SHORT_BAR_WIDTH)

    def render(self, task: Task) -> RenderableType:  # type: ignore[override]  # a bar, or text in its place
        return super().render(task) if task.total else Text(task.fields["state"])


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        shown = f"{number(task.completed)}/{number(task.total)} {task.fields['unit']}" if task.total else ""
        return Text(shown)


class _SegmentsPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = task.fields["rate"]
        if not task.total or task.finished or not rate:
            return Text()
        return Text(f"{number(rate.points_per_sec)} segments/s")


class _Remaining(ProgressColumn):
    """From the recent rate: it grows while nothing is done."""

    def render(self, task: Task) -> Text:
        rate = task.fields["rate"]
        if not task.total or task.finished or not rate:
            return Text()
        seconds = rate.seconds_for(round(task.total - task.completed))
        return Text("-:--:-- left" if seconds is None else f"{timedelta(seconds=round(seconds))} left")
