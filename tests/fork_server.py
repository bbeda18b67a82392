"""Starts the connector's command as a fork of a process that has imported the packages which it depends on, but
nothing of the connector: most of the processor time of a short command is spent on these imports.

It is still a process of its own with its environment, directory, streams and exit code, imports every module of the
connector itself, and ends as usual. What differs is what happens before `connector/__main__.py`.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Never

ROOT = Path(__file__).parent.parent

# The first one imports qdrant_client in the way of the connector.
_PRELOADED = (
    "connector.qdrant.client_import",
    "asyncio",
    "h11",
    "httpx",
    "isal.isal_zlib",
    "msgspec",
    "numpy",
    "pydantic_settings",
    "rich.console",
    "rich.live",
    "rich.progress",
    "rich.table",
    "simdjson",
    "sqlite3",
    "stamina",
    "structlog",
    "typer",
)
_STDOUT, _STDERR = 1, 2
_LARGEST_REQUEST = 160_000


class ForkServer:
    """Ends with the process that made it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` is what the interpreter reads when it starts."""
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
                cwd=ROOT,
                env={**environment, "OPENBLAS_NUM_THREADS": "1"},  # a process with threads cannot be forked safely
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def run(
        self, arguments: Sequence[str], directory: Path, environment: Mapping[str, str], seconds: float
    ) -> tuple[int, str, str]:
        """Exit code, stdout and stderr. Kills the command and raises TimeoutError if it does not end in time."""
        pipes = [os.pipe() for _ in range(3)]
        request = json.dumps([[*arguments], str(directory), {**environment}]).encode()
        socket.send_fds(self._requests, [request], [end for _, end in pipes])
        for _, end in pipes:
            os.close(end)
        *streams, result = (end for end, _ in pipes)
        command, _, code = os.read(result, 64).partition(b" ")
        stdout, stderr, later = _read([*streams, result], int(command), seconds)
        return int(code + later), _text(stdout), _text(stderr)

    def stop(self) -> None:
        self._requests.close()
        self._process.wait()


@cache
def fork_server(environment: tuple[tuple[str, str], ...]) -> ForkServer:
    """The one of this process."""
    server = ForkServer(dict(environment))
    atexit.register(server.stop)
    return server


def _text(written: bytes) -> str:
    """As `subprocess` reads it with `text=True`."""
    return io.TextIOWrapper(io.BytesIO(written), encoding="utf-8").read()


def _read(pipes: Sequence[int], command: int, seconds: float) -> list[bytes]:
    """What is written to each until it is closed."""
    received = dict.fromkeys(pipes, b"")
    deadline: float | None = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()) if deadline else None)
            if not ready:
                os.kill(command, signal.SIGKILL)
                deadline = None
            for key, _ in ready:
                part = os.read(key.fd, 65_536)
                received[key.fd] += part
                if not part:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    if deadline is None:
        raise TimeoutError(f"the command did not end within {seconds:g} seconds")
    return list(received.values())


def _serve(requests: socket.socket) -> list[str]:
    """Returns once for each request, in a process of its own that is to become the command, with its arguments."""
    while True:
        request, ends, _, _ = socket.recv_fds(requests, _LARGEST_REQUEST, 3)
        if not request:
            sys.exit()
        if os.fork() == 0:
            break
        for end in ends:
            os.close(end)
        _forget_ended()
    requests.close()
    if command := os.fork():
        _report(command, ends)
    arguments, directory, environment = json.loads(request)
    _become(ends, directory, environment)
    return [*arguments]


def _forget_ended() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _report(command: int, ends: Sequence[int]) -> Never:
    """Process id and, when it has ended, exit code as in `subprocess.Popen.returncode`."""
    *streams, result = ends
    for stream in streams:
        os.close(stream)
    os.write(result, f"{command} ".encode())
    _, status = os.waitpid(command, 0)
    os.write(result, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(ends: Sequence[int], directory: str, environment: Mapping[str, str]) -> None:
    stdout, stderr, _ = ends
    os.dup2(stdout, _STDOUT)
    os.dup2(stderr, _STDERR)
    for end in ends:
        os.close(end)
    os.chdir(directory)
    sys.path[0] = directory
    os.environ.clear()
    os.environ.update(environment)


def _preload() -> None:
    for name in _PRELOADED:
        with contextlib.suppress(ImportError):  # some are not there on every platform
            importlib.import_module(name)
    for name in [name for name in sys.modules if name.partition(".")[0] in {"connector", "tests"}]:
        del sys.modules[name]
    gc.freeze()


if __name__ == "__main__":
    _preload()
    sys.argv[1:] = _serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("connector", run_name="__main__", alter_sys=True)
