"""Whatever somebody writes into the queue of commands in the ledger: the daemon refuses or executes it, and goes on."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.simulator import Scenario, Simulator
from tests.any_json import ANY_TEXT, changed
from tests.command import Command
from tests.e2e.convergence import SLOW, small_scenario
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.waiting import wait_until

GOOD: dict[str, dict[str, Any]] = {
    "sync": {"indexes": ["INDEX"], "allow_deletes": False, "take_over": False, "shown": {"INDEX": ["a"]}},
    "verify": {"indexes": ["INDEX"], "deep": False, "repair": False},
    "quarantine retry": {"index_id": "INDEX", "assets": ["a"]},
    "quarantine drop": {"index_id": "INDEX", "assets": ["a"]},
    "forget": {"index_id": "INDEX"},
}
DEEP = ["[" * depth + "]" * depth for depth in (90, 200, 300, 400, 500, 600, 700, 800, 900, 950, 980, 2000)]
ENDED = ("done", "refused", "abandoned")


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


@st.composite
def rows(draw: st.DrawFn) -> tuple[str, bytes]:
    """Kind and arguments of a command."""
    kind = draw(st.sampled_from([*GOOD]))
    arguments = draw(changed(GOOD[kind]) | st.binary(max_size=20))
    if draw(st.integers(0, 4)) == 0:
        key, deep = draw(st.sampled_from([*GOOD[kind], "x"])), draw(st.sampled_from(DEEP))
        arguments = json.dumps(GOOD[kind] | {key: "DEEP"}).replace('"DEEP"', deep).encode()
    other = draw(ANY_TEXT.map(lambda it: it.encode(errors="surrogatepass").decode(errors="ignore")))
    return (kind if draw(st.integers(0, 9)) else other, arguments)


def put(connector: Command, index: str, found: list[tuple[str, bytes]]) -> list[int]:
    """The ids of the new rows."""
    query = "insert into orders (kind, arguments) values (?, cast(? as text)) returning id"
    with closing(sqlite3.connect(connector.directory / "data" / "ledger.sqlite3", timeout=30)) as db, db:
        return [db.execute(query, (kind, text.replace(b"INDEX", index.encode()))).fetchone()[0] for kind, text in found]


def unfinished(connector: Command, numbers: list[int]) -> list[int]:
    with closing(sqlite3.connect(connector.directory / "data" / "ledger.sqlite3", timeout=30)) as db:
        states = dict(db.execute("select id, state from orders").fetchall())
    return [number for number in numbers if states[number] not in ENDED]


def executed(connector: Command, daemon: Running, index: str, found: list[tuple[str, bytes]]) -> None:
    numbers = put(connector, index, found)
    ended = lambda: daemon.process.poll() is not None or not unfinished(connector, numbers)  # noqa: E731
    wait_until(ended, PATIENCE_SEC, f"the commands have ended; the log is {daemon.log}")
    assert daemon.process.poll() is None, daemon.log.read_text()[-3000:]


def test_the_daemon_survives_any_command(connector: Command, simulator: Simulator) -> None:
    index = simulator.control.index_ids[0]
    with running(connector, pace=SLOW) as daemon:

        @settings(max_examples=max(8, settings().max_examples // 12))
        @given(st.lists(rows(), min_size=5, max_size=12))
        def anything_ends(found: list[tuple[str, bytes]]) -> None:
            executed(connector, daemon, index, found)

        anything_ends()
        executed(connector, daemon, index, [("sync", json.dumps(GOOD["sync"]).encode())])
        assert daemon.ready
        assert daemon.stop().code == 0
