"""Every row of the fault matrix: the real command, a simulator and a real Qdrant server."""

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.comparing import differences
from tests.e2e.fault_bench import SERVER, Bench, Stand, assert_readable, bench
from tests.e2e.fault_matrix import PROVEN, ROWS, SOURCE_FAULTS, Row, summary
from tests.e2e.fault_rows import Becomes, LedgerFault, Proven, SearchFault, SinkFault, SourceFault, Where
from tests.e2e.other_faults import LEDGER_FAULTS, SEARCH_FAULTS, SINK_FAULTS
from tests.e2e.pages import ROOT, section, table
from tests.qdrant_server import server_for_tests

COUNTED = {Becomes.VANISHED: "vanished", Becomes.DEFERRED: "deferred", Becomes.FAILED: "failed"}


@pytest.fixture(scope="module")
def opened(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with server_for_tests(qdrant_binary, tmp_path_factory.mktemp("qdrant"), SERVER) as server:
        server.start()
        with bench(server, tmp_path_factory.mktemp("seed")) as found:
            yield found


def named(row: Row) -> str:
    return f"{row.where}: {row.name}"


def one_of_each_outcome() -> Iterator[Any]:
    """The other rows, which differ only in how the response is broken, take minutes: `make soak` runs them."""
    seen = set[tuple[object, ...]]()
    for row in SOURCE_FAULTS:
        outcome = row.where, row.becomes, row.error
        yield pytest.param(row, id=named(row), marks=pytest.mark.soak if outcome in seen else ())
        seen.add(outcome)


@pytest.mark.parametrize("row", [*one_of_each_outcome()])
def test_a_fault_of_twelvelabs(opened: Bench, tmp_path: Path, row: SourceFault) -> None:
    stand = opened.stand(row, tmp_path)
    bad, good = prepared(stand, row)
    before = stand.points(*good)
    for path in paths(stand, row, bad):
        stand.inject(path, row.fault)

    ended = stand.sync()

    assert ended.code == row.becomes.exit_code, ended.stdout
    report = ended.index(stand.index)
    if row.becomes is Becomes.CYCLE_FAILED:
        assert (report["error"] or {}).get("code") == (row.error and row.error.code), ended.stdout
    else:
        assert report["error"] is None
        assert {it["code"] for it in report["problems"] if row.error} == {row.error.code for _ in bad if row.error}
        assert differences(report, **counts(row, len(bad), len(good))) == {}, ended.stdout
        assert bool(report["withheld"]) is (row.becomes is Becomes.WITHHELD)
    assert [word for word in row.words if word not in ended.stdout] == [], ended.stdout
    assert opened.elsewhere.heard == []
    if row.becomes is Becomes.APPLIED and not row.shown_later:
        stand.check_equal()
        return
    if row.becomes is not Becomes.APPLIED:
        assert stand.points(*good) == before
    if row.shown_later:
        stand.simulator.control.update_asset(stand.index, stand.new, duration=21.0)
    stand.check_clean_sync()


def prepared(stand: Stand, row: SourceFault) -> tuple[list[str], list[str]]:
    """The assets that the fault concerns, and those with a change that it does not concern."""
    if row.removes:
        stand.simulator.control.delete_asset(stand.index, stand.assets[0])
        return [stand.assets[0]], []
    stand.change()
    return ([stand.new], [stand.changed]) if row.only_new else ([stand.new, stand.changed], [])


def paths(stand: Stand, row: SourceFault, bad: list[str]) -> list[str]:
    if row.where is Where.LOOKUP:
        return [f"/indexes/{stand.index}"]
    listing = f"/indexes/{stand.index}/indexed-assets"
    if row.where is Where.LISTING:
        return [listing]
    return [f"{listing}/{name}" for name in ([stand.assets[1]] if row.on_listed else bad)]


def counts(row: SourceFault, bad: int, good: int) -> dict[str, int]:
    applied = row.becomes is Becomes.APPLIED
    found = {"upserted": good + bad * applied, "deleted": 0, "vanished": 0, "deferred": 0, "failed": 0}
    if row.becomes in COUNTED:
        found[COUNTED[row.becomes]] = bad
    return found


@pytest.mark.parametrize("row", SEARCH_FAULTS, ids=named)
def test_a_fault_of_twelvelabs_in_a_search(opened: Bench, tmp_path: Path, row: SearchFault) -> None:
    stand = opened.stand(row, tmp_path)
    stand.inject("/embed-v2", row.fault, method="POST")

    ended = stand.connector.run("search", "a red bus", "--json")

    stand.simulator.control.clear_faults()
    again = stand.connector.run("search", "a red bus", "--json")
    assert_readable(ended)
    [found] = ended.json["models"]
    assert (found["error"] and found["error"]["code"]) == (row.error and row.error.code), ended.stdout
    assert ended.code == (3 if row.error else 0)
    assert [word for word in row.words if word not in ended.stdout] == [], ended.stdout
    assert opened.elsewhere.heard == []
    assert again.code == 0
    assert again.json["models"][0]["hits"]


@pytest.mark.parametrize("row", SINK_FAULTS, ids=named)
def test_a_fault_of_qdrant(opened: Bench, tmp_path: Path, row: SinkFault) -> None:
    stand = opened.stand(row, tmp_path)
    stand.change()
    before = stand.points()

    ended = stand.sync(**row.settings)

    assert ended.code == 3, ended.stdout
    assert ended.index(stand.index)["error"]["code"] == row.error.code, ended.stdout
    assert [word for word in row.words if word not in ended.stdout] == [], ended.stdout
    assert stand.points() == before
    stand.check_clean_sync()


@pytest.mark.parametrize("row", LEDGER_FAULTS, ids=named)
def test_a_fault_of_the_ledger(opened: Bench, tmp_path: Path, row: LedgerFault) -> None:
    """A damaged ledger is never replaced."""
    stand = opened.stand(row, tmp_path)
    stand.change()
    before = stand.points()
    row.damage(stand.ledger)
    damaged = stand.ledger.read_bytes() if stand.ledger.is_file() else None

    ended = stand.connector.run("sync", "--json", before=row.before)

    assert_readable(ended)
    if not row.refused:
        assert ended.code == 0, ended.stdout
        stand.check_equal()
    else:
        assert ended.code == 3, ended.stdout
        assert ended.index(stand.index)["error"]["code"] == "ledger_unavailable", ended.stdout
        assert [word for word in (*row.words, "ledger.sqlite3") if word not in ended.stdout] == []
        assert stand.points() == before
        if not row.before:
            assert (stand.ledger.read_bytes() if stand.ledger.is_file() else None) == damaged
            stand.restore_ledger()
    stand.check_clean_sync()


def test_the_other_server_notes_what_it_is_sent(opened: Bench) -> None:
    """Otherwise no row would notice a key that travels."""
    with urllib.request.urlopen(opened.elsewhere.url, timeout=10):  # noqa: S310  loopback
        pass

    assert len(opened.elsewhere.heard) == 1
    opened.elsewhere.heard.clear()


@pytest.mark.parametrize("test", [test for row in PROVEN for test in row.tests])
def test_a_test_that_is_named_exists(test: str) -> None:
    file, name = test.split("::")

    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_no_row_is_there_twice() -> None:
    names = [named(row) for row in ROWS]

    assert len(names) == len(set(names)) > 60


def test_the_documentation_shows_the_matrix() -> None:
    tested = sum(not isinstance(row, Proven) for row in ROWS)

    assert table("docs/reliability.md", "Faults") == list(summary())
    assert f"lists {len(ROWS)} faults" in section("docs/reliability.md", "Faults")
    assert f"{tested} of them are tested" in section("docs/reliability.md", "Faults")
