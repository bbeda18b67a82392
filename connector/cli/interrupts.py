"""Ctrl-C and SIGTERM in one-shot commands."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from connector.cli.output import err
from connector.engine.workers import Workers

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts(workers: Workers) -> Iterator[None]:
    """The first signal finishes the assets in progress, if any, then stops; a second one stops at once.

    Stopping at once cancels the block and suppresses the CancelledError.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101  only called from a coroutine

    def interrupt() -> None:
        again = workers.stopping
        workers.stop()
        if again or not workers.in_hand:
            task.cancel()
        else:
            err.print(f"Finishing the {workers.in_hand} assets in progress; press Ctrl-C again to stop now.")

    for number in _SIGNALS:
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    except asyncio.CancelledError:
        if not workers.stopping:
            raise
        task.uncancel()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
