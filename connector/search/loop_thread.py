"""An event loop in a thread of its own, so that blocking calls work anywhere, also inside a running loop."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from connector.domain.errors import ConfigError

T = TypeVar("T")

_LAST_SEC = 5.0
"""How long cancelled work may take to end."""


class LoopThread:
    """Starts with the first call. Safe for use by several threads."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def started(self) -> bool:
        return self._loop is not None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for the result. An interruption, such as Ctrl-C, cancels the work.

        Raises ConfigError if it is closed meanwhile, or in a process that was forked after the first call. Raises
        RuntimeError inside its own loop, where waiting would never end.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a VideoSearch cannot wait inside its own query: use AsyncVideoSearch there")
        loop, future = self._begun(work)
        try:
            return future.result()
        except CancelledError:
            if loop is self._loop:
                raise
            raise ConfigError("search", "", "it was closed before it had a result", "Make a new one") from None
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Stop the loop and cancel its unfinished work. A later call starts a new loop."""
        with self._starting:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop and thread and thread.is_alive():
            asyncio.run_coroutine_threadsafe(_cancel_others(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _begun(self, work: Coroutine[Any, Any, T]) -> tuple[asyncio.AbstractEventLoop, Future[T]]:
        """Work that is given to a loop is in it before `close` looks for what to cancel."""
        with self._starting:
            if self._loop is None or self._thread is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="video-search", daemon=True)
                self._thread.start()
            if not self._thread.is_alive():
                work.close()
                cause = "it was opened before this process was forked, and a fork does not copy its thread"
                raise ConfigError("search", "", cause, "Make a new one in each process")
            return self._loop, asyncio.run_coroutine_threadsafe(work, self._loop)


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=_LAST_SEC)
