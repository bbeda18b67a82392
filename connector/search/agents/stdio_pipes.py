"""MCP over standard input and output: one JSON message per line, and nothing else on standard output.

The package's own streams use threads that Python joins at exit, so a signal would not end the process before the next
line of input. These threads are abandoned.
"""

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar, cast

import anyio
from mcp.server import Server
from mcp.server.stdio import stdio_server

T = TypeVar("T")

_CHUNK = 65_536
_LONGEST_LINE = 4 * 1024 * 1024
_LAST_ANSWERS_SEC = 10.0
_STDIN, _STDOUT, _STDERR = 0, 1, 2


class _Pipes:
    """Both directions. At the end of the input, waits a while for the answers to what was read."""

    def __init__(self, source: int, target: int) -> None:
        self._source, self._target = source, target
        self._unanswered = 0
        self._answered = asyncio.Condition()

    async def __aiter__(self) -> AsyncIterator[str]:
        kept, skipping = b"", False
        while chunk := await _abandonable(partial(os.read, self._source, _CHUNK)):
            *lines, kept = (kept + chunk).split(b"\n")
            for line in lines:
                yield "" if skipping else self._read(line)
                skipping = False
            if skipping or len(kept) > _LONGEST_LINE:
                kept, skipping = b"", True
        if kept:
            yield self._read(kept)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ANSWERS_SEC), self._answered:
                await self._answered.wait_for(lambda: self._unanswered <= 0)

    async def write(self, text: str) -> None:
        """Raises BrokenPipeError if nobody reads any more."""
        line = text.encode()
        left = memoryview(line)
        while left:
            left = left[await _abandonable(partial(os.write, self._target, left)) :]
        if _is_message(line, "result", "error"):
            async with self._answered:
                self._unanswered -= 1
                self._answered.notify_all()

    async def flush(self) -> None:
        """Nothing is buffered."""

    def _read(self, line: bytes) -> str:
        self._unanswered += _is_message(line, "method")
        return line.decode(errors="replace")


def _is_message(line: bytes, *keys: str) -> bool:
    """True for a message with an id and one of these keys."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(message, dict) and message.get("id") is not None and any(key in message for key in keys)


async def _abandonable(work: Callable[[], T]) -> T:
    """In a thread that nobody waits for after a cancellation, nor at the end of the process. Raises OSError."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: OSError | None) -> None:
        if done.cancelled():
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(cast("T", result))

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except OSError as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(tell, result, failure)

    threading.Thread(target=run, name="mcp-stdio", daemon=True).start()
    return await done


async def serve_stdio(server: Server[dict[str, object]]) -> None:
    """Serve until the input ends, or nobody reads the output."""
    with _output_taken() as target:
        pipes = cast("anyio.AsyncFile[str]", _Pipes(_STDIN, target))
        try:
            async with stdio_server(pipes, pipes) as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())
        except* (BrokenPipeError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # nobody reads, or a signal ended it while answers were on their way


@contextmanager
def _output_taken() -> Iterator[int]:
    """The descriptor of standard output; what anything else prints there goes to standard error meanwhile."""
    target = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        yield target
    finally:
        os.dup2(target, _STDOUT)
        os.close(target)
