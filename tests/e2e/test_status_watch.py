"""`connector status --watch`: what it shows changes with the ledger and the daemon, and Ctrl-C ends it quietly."""

import json
import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.command import Command, end, interrupt
from tests.e2e.daemon import PATIENCE_SEC, running
from tests.terminal import terminal

WATCH = ("status", "--watch")
NDJSON = (*WATCH, "--json")
OTHER_SCREEN, BACK = "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with run_in_thread(Scenario(seed=5, indexes=(IndexSpec(name="watched", model="marengo3.0", generate=4),))) as world:
        yield world


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Command:
    settings = {
        "TWELVELABS_API_KEY": "test-key",
        "TWELVELABS_BASE_URL": simulator.base_url,
        "QDRANT_URL": "embedded",
        "CONNECTOR_INDEXES": simulator.control.index_ids[0],
    }
    command = Command(tmp_path_factory.mktemp("origin"), settings)
    assert command.run("sync").code == 0
    return command


@pytest.fixture
def synced(tmp_path: Path, origin: Command) -> Command:
    """A copy for one test."""
    shutil.copytree(origin.directory, tmp_path, dirs_exist_ok=True)
    return Command(tmp_path, origin.settings)


def ledger(connector: Command) -> Path:
    return connector.directory / "data" / "ledger.sqlite3"


def row(screen: str) -> str:
    return next((line for line in screen.splitlines() if line.startswith("watched ")), "")


def test_ctrl_c_ends_it_quietly_and_the_screen_is_as_before(synced: Command) -> None:
    with terminal(synced, *WATCH) as running_one:
        screen = running_one.shows("last cycle: at")
        running_one.press_ctrl_c()
        ended = running_one.end()

    assert "4/4" in row(screen)
    assert "Ctrl-C ends it" in screen.splitlines()[0]
    assert (ended.code, ended.text.strip()) == (0, ""), ended.sent
    assert ended.sent.index(OTHER_SCREEN) < ended.sent.index("watched") < ended.sent.index(BACK)
    assert ended.sent.endswith(BACK)


def test_sigterm_ends_it_too(synced: Command) -> None:
    with terminal(synced, *WATCH) as running_one:
        running_one.shows("last cycle: at")
        running_one.process.send_signal(signal.SIGTERM)
        assert running_one.end().code == 0


def test_it_shows_a_daemon_that_starts_works_and_stops(synced: Command, simulator: Simulator) -> None:
    index_id = simulator.control.index_ids[0]
    with terminal(synced, *WATCH) as running_one:
        running_one.shows("No daemon is running.")
        with running(synced, wait=False, CONNECTOR_RECONCILE_INTERVAL="1h") as daemon:
            running_one.shows("The daemon is running")
            running_one.shows("next poll: at")
            added = simulator.control.add_asset(index_id, "added.mp4", captions=["a ship leaves the harbour"])
            running_one.shows(lambda screen: "5/5" in row(screen))
            assert daemon.stop().code == 0
        running_one.shows("No daemon is running.")
        running_one.press_ctrl_c()
        assert running_one.end().code == 0
    simulator.control.delete_asset(index_id, added)


def test_a_ledger_that_is_locked_missing_or_another_one_is_followed(synced: Command) -> None:
    file = ledger(synced)
    with terminal(synced, *WATCH, width=120) as running_one:
        running_one.shows(lambda screen: "4/4" in row(screen))
        with sqlite3.connect(file, isolation_level=None) as db:
            db.execute("pragma locking_mode = exclusive")
            db.execute("begin exclusive")
            db.execute("update identity set id = 1")
            running_one.shows(lambda screen: "database is locked" in screen and "What follows is from 20" in screen)
            running_one.shows(lambda screen: "locked" in screen and "4/4" in row(screen))  # what was known before
            db.execute("rollback")
        db.close()
        running_one.shows(lambda screen: "locked" not in screen and "4/4" in row(screen))

        other = file.with_name("other.sqlite3")
        shutil.copy(file, other)
        file.unlink()
        running_one.shows("Nothing has been synced yet")
        with sqlite3.connect(other) as db:
            db.execute("update totals set applied = 1")
        db.close()
        other.rename(file)
        running_one.shows(lambda screen: "1/4" in row(screen))

        file.write_text("this is no database" * 100)
        running_one.shows("file is not a database")
        running_one.press_ctrl_c()
        assert running_one.end().code == 0


@pytest.mark.parametrize("settings", [{}, {"NO_COLOR": "1"}])
def test_it_fits_a_terminal_that_is_resized(synced: Command, settings: dict[str, str]) -> None:
    with terminal(synced, *WATCH, width=120, settings=settings) as running_one:
        running_one.shows(lambda screen: "4/4" in row(screen))
        running_one.resize(40, 8)
        screen = running_one.shows("more line")
        before = len(running_one.sent)
        running_one.resize(160, 50)
        running_one.shows(lambda screen: "QUARANTINED" in screen and "more line" not in screen)
        running_one.press_ctrl_c()
        ended = running_one.end()

    narrow = ended.sent[:before].rpartition("\x1b[H")[2]
    assert "4/4" in narrow
    assert narrow.count("\n") <= 8
    assert max(map(len, screen.splitlines())) <= 40
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-7]m", ended.sent)) is not bool(settings)
    assert ended.code == 0


def test_with_json_each_change_is_one_line_with_the_document_of_status(synced: Command, simulator: Simulator) -> None:
    process = synced.start(*NDJSON)
    assert process.stdout
    first: dict[str, Any] = json.loads(process.stdout.readline())
    synced.run("sync")
    later = json.loads(process.stdout.readline())
    interrupt(process)
    ended = end(process)

    assert (ended.code, ended.stderr) == (0, "")
    assert first.keys() == synced.run("status", "--json").json.keys()
    assert first["indexes"][0]["last_cycle_at"] < later["indexes"][0]["last_cycle_at"]
    assert len(ended.stdout.splitlines()) <= 3, "each commit of the sync at most"


def test_with_json_an_error_is_a_line_too(synced: Command) -> None:
    ledger(synced).write_text("this is no database" * 100)
    process = synced.start(*NDJSON)
    assert process.stdout
    line = json.loads(process.stdout.readline())
    interrupt(process)

    assert line["error"]["code"] == "ledger_unavailable"
    assert end(process).code == 0


@pytest.mark.parametrize("start", ["pipe", "dumb"])
def test_without_a_screen_each_change_is_printed_with_its_time(synced: Command, start: str) -> None:
    if start == "dumb":
        with terminal(synced, *WATCH, settings={"TERM": "dumb"}) as running_one:
            running_one.shows("last cycle: at")
            running_one.press_ctrl_c()
            text, code = running_one.end().text, running_one.process.returncode
    else:
        process = synced.start(*WATCH)
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(6)]
        interrupt(process)
        text, code = "".join(lines) + end(process).stdout, process.returncode

    assert code == 0
    assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d", text)
    assert "4/4" in row(text)
    assert text.count("INDEX") == 1, "nothing changed"
    assert "\x1b[?1049h" not in text


def test_it_ends_when_nobody_reads_it(synced: Command) -> None:
    process = synced.start(*NDJSON)
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()

    assert process.wait(PATIENCE_SEC) == 1
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_daemon_that_does_not_respond_delays_nothing(synced: Command) -> None:
    """It is stopped, as by a debugger: its listener accepts connections and says nothing."""
    with running(synced) as daemon:
        port = daemon.url.rpartition(":")[2]
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            process = synced.start(*NDJSON, CONNECTOR_HTTP_PORT=port)
            assert process.stdout
            line = json.loads(process.stdout.readline())
            interrupt(process)
            code = process.wait(PATIENCE_SEC / 8)
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        end(process)

    assert (code, line["daemon"]["state"]) == (0, "running")


def test_the_help_page_says_what_json_means_with_it(synced: Command) -> None:
    page = " ".join(synced.run("status", "--help").stdout.split())

    assert "--watch" in page
    assert "one document per line (NDJSON)" in page
