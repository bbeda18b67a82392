"""Signals while the daemon works: the first one stops it, and so does the end of its terminal."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import structlog

from connector.daemon.early_signals import hangup_is_ignored, has_terminal

RestartChanges = Callable[[], Mapping[str, object]]
"""Which settings a restart would change, as facts for the log."""

_STOP = (signal.SIGTERM, signal.SIGINT)
_FORCED = 130

log = structlog.get_logger(__name__)


@contextmanager
def stop_signals(stopping: asyncio.Event, restart_changes: RestartChanges) -> Iterator[list[asyncio.Task[Any]]]:
    """The first signal sets `stopping` and cancels the tasks in the yielded list; a second one exits at once.

    SIGHUP stops only a daemon that has a terminal: it means that the terminal was closed. It never exits at once,
    because a closed terminal sends it twice. Without a terminal, SIGHUP asks for a reload, which does not exist: a line
    says what a restart would change.
    """
    loop, waiting = asyncio.get_running_loop(), [task for task in [asyncio.current_task()] if task]
    signalled, attached = False, has_terminal()

    def stop() -> None:
        stopping.set()
        for task in waiting:
            task.cancel()

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal signalled
        if number == signal.SIGHUP and not attached:
            loop.call_soon_threadsafe(_explain_reload, restart_changes)
            return
        if signalled and number != signal.SIGHUP:
            os._exit(_FORCED)
        if not signalled:
            signalled = True
            loop.call_soon_threadsafe(stop)

    # Not loop.add_signal_handler: removing that handler restores the default action, which kills the process.
    handled = _STOP if hangup_is_ignored() else (*_STOP, signal.SIGHUP)
    before = [(number, signal.signal(number, handle)) for number in handled]
    try:
        yield waiting
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _explain_reload(restart_changes: RestartChanges) -> None:
    log.warning("settings.not_reloaded", reason="SIGHUP: settings are read at the start only", **restart_changes())
