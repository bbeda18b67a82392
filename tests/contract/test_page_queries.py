"""How the pages read the ledger: a bounded number of statements, each by an index, however large the index is."""

import re
import sqlite3
from pathlib import Path

import pytest

from connector.domain.ledger_model import IndexState
from connector.domain.report import CycleReport
from connector.ledger.sqlite import sqlite_file
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests.builders import applied, asset, attempt, row
from tests.contract.page_site import NOW, page_site

STATE = IndexState(first_cycle_at=1.0, canary_at=1.0, index_name="n", model="marengo3.0", pending=frozenset({"p"}))
PATHS = ("/", "/indexes/i", "/indexes/i?state=failed", "/indexes/i?state=applied&text=x", "/indexes/i?state=waiting")


async def statements(path: Path, assets: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The statements that each page makes SQLite execute."""
    found: list[str] = []
    connect = sqlite_file.connect_file

    def traced(*given: object, **named: object) -> sqlite3.Connection:
        connection = connect(*given, **named)  # type: ignore[arg-type]
        connection.set_trace_callback(found.append)
        return connection

    with monkeypatch.context() as patched:
        patched.setattr(sqlite_file, "connect_file", traced)
        async with SqliteCheckpointStore(path) as ledger, page_site(ledger) as place:
            tried = attempt("p", 1, reason="r", code="c", due=NOW, tried_at=NOW)
            rows = [row(f"{number:05}", applied(), listed=asset(f"{number:05}")) for number in range(assets)]
            failed = [row(f"f{number:05}", attempt=tried) for number in range(assets)]
            await ledger.adopt("i", [*rows, *failed], STATE)
            await ledger.save_report("i", {"withheld": 1}, ended_at=NOW)
            by_page = {}
            for it in PATHS:
                found.clear()
                await place.page(it)
                by_page[it] = [text for text in found if text.lstrip().startswith("select")]
            return by_page


async def test_the_number_of_statements_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = await statements(tmp_path / "few.sqlite3", 2, monkeypatch)
    many = await statements(tmp_path / "many.sqlite3", 400, monkeypatch)

    assert {path: texts for path, texts in many.items() if len(texts) > len(few[path])} == {}
    assert all(0 < len(texts) < 25 for texts in many.values())


async def test_every_statement_uses_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_page = await statements(tmp_path / "ledger.sqlite3", 2, monkeypatch)
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as db:
        plans = {
            text: [step[3] for step in db.execute(f"explain query plan {text}")]
            for texts in by_page.values()
            for text in texts
        }
    db.close()

    assert len(plans) > 8
    large = re.compile(r"(SCAN|TEMP B-TREE).*(checkpoints|cycles|minutes|deletes)|USE TEMP B-TREE")
    assert {text: plan for text, plan in plans.items() if any(large.search(step) for step in plan)} == {}


async def test_the_whole_report_is_not_read_for_withheld_deletes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names every problem of the last cycle, so it may be large."""
    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as ledger, page_site(ledger) as place:
        await ledger.adopt("i", [], STATE)
        await ledger.save_report("i", {"withheld": CycleReport("i", withheld=2).withheld}, ended_at=NOW)
        reads, reports = 0, ledger.reports

        async def counted() -> dict[str, dict[str, object]]:
            nonlocal reads
            reads += 1
            return await reports()

        monkeypatch.setattr(ledger, "reports", counted)
        async with place.http.stream("GET", "/events", timeout=30) as answer:
            seen = 0
            async for line in answer.aiter_lines():
                seen += line.startswith("event: state")
                if seen == 2:
                    break
            place.stopping.set()

    assert reads == 0
