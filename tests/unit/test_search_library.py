"""What an application imports: light, typed, and the same with and without asyncio."""

import asyncio
import inspect
import re
import subprocess
import sys
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Unpack

import pytest

import connector.search
from connector.search import AsyncVideoSearch, ConfigError, SearchOptions, VideoSearch
from connector.search.loop_thread import LoopThread

ROOT = Path(__file__).parents[2]
SLOW = {"numpy", "httpx", "pydantic", "qdrant_client", "grpc", "starlette", "structlog", "stamina", "msgspec", "jinja2"}
QUERIES = ("query", "query_image", "query_audio", "query_vector", "similar", "close")


def test_import_and_construction_load_nothing_slow() -> None:
    script = (
        "import sys; from connector.search import VideoSearch; VideoSearch('http://127.0.0.1:1'); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "connector" in loaded
    assert loaded & SLOW == set()


def test_every_public_name_is_there_and_documented() -> None:
    assert (ROOT / "connector" / "py.typed").exists()
    for name in connector.search.__all__:
        assert hasattr(connector.search, name)
    for name in QUERIES:
        assert inspect.getdoc(getattr(AsyncVideoSearch, name))
        assert inspect.getdoc(getattr(VideoSearch, name))


def test_both_searches_take_the_same_arguments() -> None:
    for name in (*QUERIES, "__init__", "from_settings"):
        one, other = (inspect.signature(getattr(kind, name)) for kind in (AsyncVideoSearch, VideoSearch))
        assert list(one.parameters.values()) == list(other.parameters.values()), name


def test_all_queries_take_the_same_options() -> None:
    for name in set(QUERIES) - {"close"}:
        options = inspect.signature(getattr(AsyncVideoSearch, name)).parameters["options"]
        assert options.kind is inspect.Parameter.VAR_KEYWORD
        assert options.annotation == Unpack[SearchOptions]


def test_each_option_is_described() -> None:
    described = re.findall(r"^(\w+): ", inspect.getdoc(SearchOptions) or "", re.MULTILINE)

    assert described == list(SearchOptions.__annotations__)


def test_waiting_inside_its_own_loop_is_refused() -> None:
    thread = LoopThread()

    async def nothing() -> None:
        pass

    async def waits() -> None:
        thread.run(nothing())

    with pytest.raises(RuntimeError, match="use AsyncVideoSearch"):
        thread.run(waits())
    thread.close()


def test_a_loop_thread_runs_work_until_it_is_closed() -> None:
    async def answer() -> int:
        return 42

    thread = LoopThread()
    assert not thread.started
    assert thread.run(answer()) == 42
    thread.close()
    assert not thread.started
    thread.close()
    assert thread.run(answer()) == 42
    thread.close()


def test_closing_ends_the_calls_that_wait() -> None:
    thread, began = LoopThread(), threading.Event()

    async def endless() -> None:
        began.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(thread.run, endless())
        began.wait()
        thread.close()
        with pytest.raises(ConfigError, match="it was closed"):
            waiting.result(timeout=30)


def test_work_that_cancels_itself_is_not_taken_for_a_closed_search() -> None:
    async def cancels_itself() -> None:
        raise asyncio.CancelledError

    thread = LoopThread()
    with pytest.raises(CancelledError):
        thread.run(cancels_itself())
    thread.close()


def test_a_forked_process_is_told_to_open_its_own() -> None:
    """Its loop is in a thread that only the parent has: a call would wait forever."""
    script = """
import os
from connector.search import ConfigError
from connector.search.loop_thread import LoopThread

async def nothing():
    pass

thread = LoopThread()
thread.run(nothing())
if child := os.fork():
    os.waitpid(child, 0)
    thread.run(nothing())
    thread.close()
    print("the parent goes on")
else:
    try:
        thread.run(nothing())
    except ConfigError as error:
        print(error, flush=True)
    os._exit(0)
"""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    told, parent = done.stdout.splitlines()
    assert "a fork does not copy its thread. Make a new one in each process" in told
    assert (parent, done.stderr) == ("the parent goes on", "")
