"""The log itself: one JSON object per line with its context, also of libraries; no secrets and no local variables."""

import asyncio
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from connector.domain.activity import ACTIVITY, Activity
from connector.domain.masking import MASK, hide
from connector.telemetry import logs

LIBRARIES = ("httpx", "httpcore", "apscheduler.scheduler", "uvicorn.error", "qdrant_client", "grpc._plugin", "asyncio")
SECRET = "tlk-test-logs/key+1="
ACTIVE = Activity("index-1", "Sports", "cycle-1", "asset-1")
CONTEXT = {"index_id": "index-1", "index_name": "Sports", "cycle_id": "cycle-1", "indexed_asset_id": "asset-1"}


class Log:
    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture, self._read = capture, ""

    @property
    def text(self) -> str:
        self._read += self._capture.readouterr().err
        return self._read

    @property
    def records(self) -> list[dict[str, Any]]:
        """Fails unless every line is a JSON object."""
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[Log]:
    """Set up at level info, as JSON. What the process had is there again at the end."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    quiet = {it: logging.getLogger(it).level for it in logs._QUIET}
    logs.set_up("info", "json")
    yield Log(capsys)
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.setLevel(level)
    root.handlers[:] = handlers
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture
def active() -> Iterator[None]:
    """An asset of a cycle is being worked on."""
    token = ACTIVITY.set(ACTIVE)
    yield
    ACTIVITY.reset(token)


@pytest.mark.usefixtures("active")
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_line_of_a_library_has_the_context_of_the_running_task(log: Log, name: str) -> None:
    logging.getLogger(name).warning("connection %d lost", 7, extra={"color_message": "\x1b[31mconnection lost"})

    [record] = log.records
    assert record.pop("timestamp").endswith("Z")
    assert record == {"event": "connection 7 lost", "level": "warning", "logger": name, **CONTEXT}


@pytest.mark.usefixtures("active")
def test_a_warning_of_python_has_it_too(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("this is old\nand ends soon", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)

    [record] = log.records
    assert "DeprecationWarning: this is old\nand ends soon" in record["event"]
    assert {**record, **CONTEXT, "logger": "py.warnings", "level": "warning"} == record


@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_are_silent_below_warning(log: Log, name: str) -> None:
    """Httpx would write a line for every request, with its address."""
    logging.getLogger(name).debug("details")
    if name != "qdrant_client":
        logging.getLogger(name).info("GET http://127.0.0.1 200")

    assert log.text == ""


async def test_each_task_has_its_own_context(log: Log) -> None:
    async def work(asset: str) -> None:
        ACTIVITY.set(Activity("index-1", indexed_asset_id=asset))
        await asyncio.sleep(0)
        logging.getLogger("qdrant_client").warning("slow")

    async with asyncio.TaskGroup() as group:
        for asset in ("a", "b"):
            group.create_task(work(asset))
    logging.getLogger("qdrant_client").warning("slow again")

    assert [record.get("indexed_asset_id") for record in log.records] == ["a", "b", None]


@pytest.mark.usefixtures("active")
def test_what_a_record_says_itself_is_not_replaced(log: Log) -> None:
    structlog.get_logger("connector.test").warning("asset.odd", indexed_asset_id="asset-2", odd={1, 2}, at=object)

    [record] = log.records
    assert (record["indexed_asset_id"], record["index_id"]) == ("asset-2", "index-1")


def raise_with_locals() -> None:
    local_word = "a-local-variable"
    raise ValueError(f"cannot use {SECRET} ({len(local_word)})")


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_traceback_has_neither_locals_nor_secrets(log: Log, style: str) -> None:
    hide([SECRET])
    logs.set_up("info", style)
    try:
        raise_with_locals()
    except ValueError:
        structlog.get_logger("connector.test").exception("it.crashed", key=SECRET)
        logging.getLogger("asyncio").exception("task failed: %s", SECRET)

    assert log.text.count("raise_with_locals") >= 2
    assert log.text.count(f"cannot use {MASK} (16)") >= 2
    assert SECRET not in log.text
    assert "a-local-variable" not in log.text
    assert "local_word =" not in log.text
    assert style == "console" or len(log.records) == 2, "one line each"


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_record_that_cannot_be_formatted_is_a_line_without_its_secrets(log: Log, style: str) -> None:
    """A library may have mistakes; `logging` prints a traceback and the raw arguments then."""
    hide([SECRET])
    logs.set_up("info", style)

    mistaken = "%d retries with %s"
    logging.getLogger("grpc").warning(mistaken, SECRET)

    assert len(log.text.splitlines()) == 1
    assert mistaken in log.text
    assert SECRET not in log.text


def test_console_lines_have_the_same_fields(log: Log) -> None:
    logs.set_up("info", "console")

    structlog.get_logger("connector.test").warning("asset.odd", index_id="index-1", words=3)

    [line] = log.text.splitlines()
    assert "\x1b" not in line, "no colours: it is not a terminal"
    assert all(part in line for part in ("warning", "asset.odd", "index_id=index-1", "words=3", "connector.test"))


def test_the_level_is_that_of_the_setting(log: Log) -> None:
    for level in ("debug", "info", "warning", "error"):
        logs.set_up(level, "json")
        for name in ("debug", "info", "warning", "error"):
            getattr(structlog.get_logger("connector.test"), name)(f"{level}.{name}")

    levels = [record["event"].partition(".")[0] for record in log.records]
    assert levels == ["debug"] * 4 + ["info"] * 3 + ["warning"] * 2 + ["error"]
