"""Ctrl-C and SIGTERM in commands that end by themselves."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from connector.cli.output import err
from connector.engine.workers import Workers

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts(workers: Workers) -> Iterator[None]:
    """The first signal stops after the assets in hand, at once when there are none; a second one does not wait.

    The block ends early by a CancelledError of its own, which does not leave it.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101  called from within a coroutine

    def interrupt() -> None:
        again = workers.stop.is_set()
        workers.stop.set()
        if again or not workers.in_hand:
            task.cancel()
        else:
            err.print(f"Stopping after the {workers.in_hand} assets in hand; press Ctrl-C again to stop now.")

    for number in _SIGNALS:
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    except asyncio.CancelledError:
        if not workers.stop.is_set():
            raise
        task.uncancel()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
