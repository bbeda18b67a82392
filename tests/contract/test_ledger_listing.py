"""The CheckpointStore contract for pages of assets by state, and how SQLite reads them."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from connector.domain.asset_state import AssetPage, AssetQuery, AssetState
from connector.domain.ledger_model import Checkpoint
from connector.ledger import asset_listing
from connector.ledger.database import Database, Work
from connector.ledger.sqlite.sqlite_connection import SqliteConnection
from connector.ledger.sqlite.sqlite_file import SqliteFile
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from connector.ports import CheckpointStore
from tests.builders import applied, asset
from tests.contract.ledgers import STATE
from tests.unit.test_asset_state import ROWS

T = TypeVar("T")

NAMES = ['quo"te.mp4', "<script>.mp4", "back\\slash", "ünïcode.MOV", "🎬.mp4", "", None]


async def filled(ledger: CheckpointStore) -> list[Checkpoint]:
    """One row for each way to be in a state, with odd file names, and the same ids in another index."""
    rows = [
        replace(row, indexed_asset_id=name, listed=asset(name, filename=NAMES[number % len(NAMES)]))
        for number, (row, _) in enumerate(ROWS)
        for name in [f"a-{number:02}"]
    ]
    await ledger.adopt("i", rows, STATE)
    await ledger.adopt("j", [Checkpoint(it.indexed_asset_id, applied=applied()) for it in rows], STATE)
    return rows


def ids(page: AssetPage) -> list[str]:
    return [it.indexed_asset_id for it in page.rows]


@pytest.mark.parametrize("state", [None, *AssetState])
async def test_a_state_has_the_rows_that_are_in_it(ledger: CheckpointStore, state: AssetState | None) -> None:
    rows = await filled(ledger)
    query = AssetQuery(3, state)

    page = await ledger.assets("i", query, 100)

    assert page == AssetPage(tuple(row for row in rows if query.matches(row)))
    assert page.rows


@pytest.mark.parametrize("text", ["A-0", "QUO", '"', "<SCRIPT>", "\\", "ünï", "MOV", "🎬", "nothing", "%", "_", "'"])
async def test_a_text_is_found_in_ids_and_file_names(ledger: CheckpointStore, text: str) -> None:
    rows = await filled(ledger)

    for state in (None, AssetState.FAILED):
        query = AssetQuery(3, state, text)
        assert ids(await ledger.assets("i", query, 100)) == [it.indexed_asset_id for it in rows if query.matches(it)]


async def test_the_counts_of_the_summary_are_those_of_the_pages(ledger: CheckpointStore) -> None:
    rows = [it for it in await filled(ledger) if it.absent_since is None]
    for row in await ledger.absent("i", 100):
        await ledger.forget("i", row.indexed_asset_id, 0.0)
    counts = await ledger.summary("i", 3)

    async def count(state: AssetState) -> int:
        return len((await ledger.assets("i", AssetQuery(3, state), 100)).rows)

    assert counts.assets == len(rows)
    assert [await count(it) for it in AssetState if it in {"opened", "deferred", "failed", "quarantined"}] == [
        counts.opened,
        counts.deferred,
        counts.failed,
        counts.quarantined,
    ]
    assert await count(AssetState.BACKLOG) == sum(counts.backlog.values())


async def test_pages_follow_each_other_in_both_directions(ledger: CheckpointStore) -> None:
    names = [f"{number:03}" for number in range(25)]
    await ledger.adopt("i", [Checkpoint(name, applied=applied()) for name in names], STATE)
    query = AssetQuery(3, AssetState.APPLIED)

    first = await ledger.assets("i", query, 10)
    second = await ledger.assets("i", query, 10, after=first.more or "")
    last = await ledger.assets("i", query, 10, after=second.more or "")
    assert [*ids(first), *ids(second), *ids(last)] == names
    assert (first.more, second.more, last.more) == ("009", "019", None)

    before = await ledger.assets("i", query, 10, before=ids(last)[0])
    assert (ids(before), before.more) == (ids(second), "010")
    earliest = await ledger.assets("i", query, 10, before=before.more)
    assert (ids(earliest), earliest.more) == (ids(first), None)


@pytest.mark.parametrize("name", ["'; drop table checkpoints; --", "%", "🎬", "a\x00b", "\u202e", "x" * 10_000])
async def test_odd_ids_are_positions_like_others(ledger: CheckpointStore, name: str) -> None:
    await ledger.adopt("i", [Checkpoint(it, applied=applied()) for it in sorted({"", name, "zzz" * 9000})], STATE)
    query = AssetQuery(3)

    assert name in ids(await ledger.assets("i", query, 10))
    assert name not in ids(await ledger.assets("i", query, 10, after=name))
    assert name not in ids(await ledger.assets("i", query, 10, before=name))
    assert ids(await ledger.assets("i", AssetQuery(3, text=name), 10)) == [name]


async def test_odd_file_names_are_found(ledger: CheckpointStore) -> None:
    """Text like the escapes of NUL, and what is written otherwise in JSON. SQLite reads a name up to a NUL."""
    names = ("aa\x00", "\\u0000b", "\\\\u0000c\x00", "\ue0000d", "f\ng", '"h"', "\x7fi")
    rows = [Checkpoint(f"{place}", listed=asset(f"{place}", filename=name)) for place, name in enumerate(names)]
    await ledger.adopt("i", rows, STATE)

    found = [ids(await ledger.assets("i", AssetQuery(3, text=name.rstrip("\x00")), 10)) for name in names]
    assert found == [[str(place)] for place in range(len(names))]
    assert ids(await ledger.assets("i", AssetQuery(3, text="u0000"), 10)) == ["1", "2"]
    assert list((await ledger.load("i")).values()) == rows


async def test_an_unknown_index_has_no_assets(ledger: CheckpointStore) -> None:
    assert await ledger.assets("unknown", AssetQuery(3), 10) == AssetPage(())


async def test_a_page_looks_at_a_bounded_number_of_rows(tmp_path: Path) -> None:
    """A rare state among many rows: the pages are empty until the place is reached, and go on."""
    rows = [Checkpoint(f"{number:06}", applied=applied()) for number in range(2 * asset_listing.MOST_SCANNED + 5)]
    rows[-1] = replace(rows[-1], applied=None)
    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as ledger:
        await ledger.adopt("i", rows, STATE)
        query, pages, after = AssetQuery(3, AssetState.IDLE), [], ""
        while True:
            page = await ledger.assets("i", query, 10, after=after)
            pages.append(ids(page))
            if page.more is None:
                break
            after = page.more

    assert pages == [[], [], [rows[-1].indexed_asset_id]]


@pytest.mark.parametrize("state", [None, *AssetState])
@pytest.mark.parametrize("before", [None, "m"])
async def test_no_page_sorts_or_reads_a_whole_table(
    tmp_path: Path, state: AssetState | None, before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[str] = []

    class Explaining(asset_listing.LedgerListing):
        async def _run(self, operation: str, work: Work[T]) -> T:
            async def explained(db: Database) -> T:
                assert isinstance(db, SqliteConnection)
                db.connection.set_trace_callback(statements.append)
                try:
                    return await work(db)
                finally:
                    db.connection.set_trace_callback(None)
                    for it in statements:
                        plans.extend(row[3] for row in db.connection.execute(f"explain query plan {it}"))

            statements: list[str] = []
            return await super()._run(operation, explained)

    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as ledger:
        await ledger.adopt("i", [Checkpoint("a", applied=applied())], STATE)
    async with Explaining(SqliteFile(tmp_path / "ledger.sqlite3", read_only=True)) as listing:
        plans.clear()
        await listing.assets("i", AssetQuery(3, state, "x"), 10, before=before)

    searches = [it for it in plans if "checkpoints" in it]
    assert searches
    assert all(it.startswith("SEARCH checkpoints USING") and "indexed_asset_id" in it for it in searches)
    assert not any("TEMP B-TREE" in it for it in plans)
