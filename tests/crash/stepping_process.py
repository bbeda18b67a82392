"""The process behind `steps.Runner`: imports the command once, and forks a process for each run of it.

Hundreds of runs would otherwise spend their time importing. The steps are counted in the libraries that make them, so
the program is what users run.
"""

import importlib
import json
import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import httpx

import connector.app
import connector.cli.commands.sync
import connector.cli.commands.verify
import connector.cli.main  # noqa: F401  what the commands need
from connector.__main__ import main
from tests.crash.steps import place


def serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if process == 0:
            _become(order)
        _, status = os.waitpid(process, 0)
        print(status, flush=True)  # noqa: T201  the answer


def _become(order: Mapping[str, Any]) -> NoReturn:
    """In the new process: be the command."""
    directory = Path(order["directory"])
    files = [os.open(place(directory, name), os.O_CREAT | os.O_TRUNC | os.O_WRONLY) for name in ("stdout", "stderr")]
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    os.chdir(directory)
    os.environ.update(order["settings"])
    _count_steps(os.open(place(directory, "steps"), os.O_CREAT | os.O_TRUNC | os.O_WRONLY), order["kill_before"])
    sys.argv = ["connector", *order["arguments"]]
    code: Any = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001  this process ends here, whatever it was
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _count_steps(log: int, kill_before: int | None) -> None:
    channel = importlib.import_module("grpc.aio._channel")
    numbers = count(1)

    def step(what: str) -> None:
        if next(numbers) == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(log, f"{what}\n".encode())

    send, call = httpx.AsyncClient.send, channel.UnaryUnaryMultiCallable.__call__

    async def counted_send(client: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        step(f"{request.method} {request.url.path}")
        return await send(client, request, **options)

    def counted_call(callable_: Any, *arguments: Any, **options: Any) -> Any:
        step(callable_._method.decode())
        return call(callable_, *arguments, **options)

    class Connection(sqlite3.Connection):
        def commit_or_roll_back(self, *error: Any) -> Any:
            if self.in_transaction:
                step("commit")
            return super().__exit__(*error)

        __exit__ = commit_or_roll_back

    connect = sqlite3.connect

    def counted_connect(*arguments: Any, **options: Any) -> Any:
        return connect(*arguments, **{"factory": Connection, **options})

    httpx.AsyncClient.send = counted_send  # type: ignore[method-assign, assignment]
    channel.UnaryUnaryMultiCallable.__call__ = counted_call
    sqlite3.connect = counted_connect


if __name__ == "__main__":
    serve()
