"""`connector status --watch`: reads the status about once a second and shows each change until Ctrl-C."""

import asyncio
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from connector.cli.output import Exit, counted, layout_console, out, print_json, text
from connector.cli.status_reading import ReadinessPoll, is_asked, mark_of, read_status
from connector.cli.status_view import print_status, status_view
from connector.cli.streams import reader_left
from connector.domain import timestamps
from connector.domain.errors import LedgerUnavailable
from connector.domain.page import Page
from connector.settings.connector_settings import Settings

_EVERY_SEC = 1.0
_BUSY_SEC = 1.0
_ANSWER_SEC = 8.0
_CLOSED_AGAIN_SEC = 30.0
"""How often a ledger that nobody has open, and that did not change, is read: rates and lags age."""
_DERIVED = ("assets_per_minute", "remaining_sec")
"""They change with the time alone, so they are not worth another document."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The last document that could be read, when (in seconds since the epoch), and why it is not newer."""

    document: Mapping[str, Any] | None = None
    at: float = 0.0
    error: LedgerUnavailable | None = None

    def facts(self) -> object:
        """What has to differ before it is printed again."""
        if self.error:
            return str(self.error)
        document = dict(self.document or {})
        indexes = [{key: it[key] for key in it if key not in _DERIVED} for it in document.pop("indexes", ())]
        return document, indexes


class _Display(Protocol):
    def show(self, seen: Seen) -> None: ...


async def watch_status(settings: Settings, page: Page, *, as_json: bool) -> Exit:
    """Return when a signal ends it, or when nobody reads its output."""
    watcher, task = Watcher(settings, page), asyncio.current_task()
    assert task is not None  # noqa: S101  only called from a coroutine
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        with _display(as_json=as_json) as display:
            while not reader_left():
                display.show(await watcher.read())
                await asyncio.sleep(_EVERY_SEC)
    except asyncio.CancelledError:
        task.uncancel()
    return Exit.DONE


class Watcher:
    """Opens the ledger for each reading: its file may be missing, locked or another one by then."""

    def __init__(self, settings: Settings, page: Page) -> None:
        self._settings, self._page = settings, page
        self._readiness = ReadinessPoll.of(settings, _ANSWER_SEC)
        self._seen, self._mark = Seen(), mark_of(settings.ledger)

    async def read(self) -> Seen:
        """What can be seen now; after a failure the last document, with the error."""
        now, mark = time.time(), mark_of(self._settings.ledger)
        if self._is_same(mark, now):
            return self._seen
        try:
            document = await self._read()
        except LedgerUnavailable as error:
            self._seen, self._mark = replace(self._seen, error=error), None
        else:
            self._seen, self._mark = Seen(document, now), mark
        return self._seen

    def _is_same(self, mark: tuple[int, ...] | None, now: float) -> bool:
        fresh = 0.0 <= now - self._seen.at < _CLOSED_AGAIN_SEC
        return mark is not None and mark == self._mark and fresh

    async def _read(self) -> dict[str, Any]:
        """A second try: a process that opens or closes the ledger may just have been in the way."""
        try:
            document = await self._read_once()
        except LedgerUnavailable:
            document = await self._read_once()
        if daemon := document["daemon"]:
            not_ready = self._readiness.latest(daemon["pid"]) if is_asked(daemon) else {}
            document["daemon"] = {**daemon, "not_ready": not_ready}
        return document

    async def _read_once(self) -> dict[str, Any]:
        return await read_status(self._settings, self._page, busy_sec=_BUSY_SEC)


@contextmanager
def _display(*, as_json: bool) -> Iterator[_Display]:
    if as_json or not out.is_terminal or out.is_dumb_terminal:
        yield _Changes(as_json=as_json)
        return
    console = layout_console()
    with Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False) as live:
        screen = _Screen(live)
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, screen.draw)
        yield screen


class _Changes:
    """Prints what is new: for a file, a pipe or a program."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._printed: object = None

    def show(self, seen: Seen) -> None:
        facts = seen.facts()
        if facts == self._printed:
            return
        self._printed = facts
        if self._as_json:
            error = seen.error and {"error": {"code": seen.error.code, "message": str(seen.error)}}
            print_json(error or seen.document or {}, indent=None)
            return
        out.print(f"[bold]{timestamps.text(time.time())}[/bold]")
        if seen.error:
            out.print(f"[error]error:[/error] {text(seen.error)}")
        elif seen.document:
            print_status(seen.document, time.time())
        out.print()


class _Screen:
    """The whole terminal, as `top` uses it; what was there before is back at the end."""

    def __init__(self, live: Live) -> None:
        self._live, self._seen = live, Seen()

    def show(self, seen: Seen) -> None:
        self._seen = seen
        self.draw()

    def draw(self) -> None:
        self._live.update(_Cropped(tuple(self._parts())), refresh=True)

    def _parts(self) -> Iterator[RenderableType]:
        now, seen = time.time(), self._seen
        title = f"connector status, {timestamps.text(round(now))}. Ctrl-C ends it."
        yield Text(title, style="dim", no_wrap=True, overflow="ellipsis")
        if seen.error:
            yield Text.from_markup(f"[error]error:[/error] {text(seen.error)}")
        if seen.document:
            if seen.error:
                yield Text(f"What follows is from {timestamps.text(round(seen.at))}.", style="warning")
            yield from status_view(seen.document, self._live.console, now)


@dataclass(frozen=True, slots=True)
class _Cropped:
    """As many lines as the terminal has, and how many there are more."""

    parts: tuple[RenderableType, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.size.height
        plain = options.update(height=None)
        lines = [line for part in self.parts for line in console.render_lines(part, plain, pad=False)]
        shown = lines if len(lines) <= height else lines[: height - 1]
        for line in shown:
            yield from line
            yield Segment.line()
        if more := len(lines) - len(shown):
            rest = f"... {counted(more, 'more line')}; `connector status` shows all"
            yield Text(rest, style="dim", no_wrap=True, overflow="ellipsis")
