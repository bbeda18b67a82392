"""Copies of a ledger from one database to another, in every direction."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.copying import TABLES, TableContent, content_of, copy_ledger, digest_of
from connector.ledger.ledger_opening import open_queue, open_store, open_tables
from tests.contract.filled_ledger import ODD, fill


async def created(place: LedgerPlace) -> LedgerPlace:
    async with open_store(place):
        return place


async def copied(source: LedgerPlace, target: LedgerPlace) -> dict[str, TableContent]:
    async with (
        open_tables(source, read_only=True) as read,
        open_tables(await created(target), read_only=False) as written,
    ):
        return await copy_ledger(read, written)


@pytest.fixture
def there(tmp_path: Path, postgres_ledger: str) -> LedgerPlace:
    return LedgerPlace(tmp_path, f"{postgres_ledger}_copy")


async def test_a_copy_of_a_copy_is_the_original(place: LedgerPlace, there: LedgerPlace, tmp_path: Path) -> None:
    """From SQLite by PostgreSQL to SQLite, and from PostgreSQL by PostgreSQL."""
    await fill(place)
    first = await copied(place, there)
    back = LedgerPlace(tmp_path, file_name="back.sqlite3")
    second = await copied(there, back)

    assert first == second
    assert digest_of(first) == digest_of(second)
    assert all(first[table].rows for table in TABLES)
    async with open_store(place) as original, open_store(there) as copy, open_store(back) as again:
        rows = await original.load("i")
        assert set(ODD[1:]) < rows.keys()
        for ledger in (copy, again):
            assert await ledger.load("i") == rows
            assert await ledger.state("i") == await original.state("i")
            assert await ledger.reports() == await original.reports()
            assert await ledger.cycles("i", 9) == await original.cycles("i", 9)
            assert await ledger.minutes("i", 0) == await original.minutes("i", 0)
            assert await ledger.deletes_since("i", 0.0) == 1
            assert await ledger.summary("i", 3) == await original.summary("i", 3)
            assert (await ledger.identity()).ledger_id == (await original.identity()).ledger_id


async def test_a_copy_goes_on_where_the_original_was(place: LedgerPlace, there: LedgerPlace) -> None:
    await fill(place)
    await copied(place, there)

    async with open_queue(there) as queue:
        assert await queue.place("sync", {}) == 4
        taken = await queue.take()
        assert taken
        assert taken.arguments["text"] == "".join(ODD)
    async with open_store(there) as ledger:
        await ledger.save_report("i", {}, ended_at=8.0)
        assert [it.ended_at for it in await ledger.cycles("i", 9)] == [8.0, 7.25]


async def test_a_ledger_that_differs_has_another_digest(place: LedgerPlace, there: LedgerPlace) -> None:
    await fill(place)
    before = await copied(place, there)
    async with open_store(there) as ledger:
        await ledger.unplan("i", "ä")
    async with open_tables(there, read_only=True) as tables:
        after = await content_of(tables, "checkpoints")

    assert after.rows == before["checkpoints"].rows
    assert after.digest != before["checkpoints"].digest


async def test_a_target_with_anything_in_it_is_refused(place: LedgerPlace, there: LedgerPlace) -> None:
    await fill(place)
    async with open_store(there) as ledger:
        await ledger.save_claim("i", "instance", 1)

    with pytest.raises(LedgerUnavailable, match="its table claims is not empty"):
        await copied(place, there)


async def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, there: LedgerPlace) -> None:
    """The row that PostgreSQL refuses is the last one."""
    place = LedgerPlace(tmp_path)
    await fill(place)
    with closing(sqlite3.connect(place.file)) as db, db:
        db.execute("update minutes set points = 'many'")
    with pytest.raises(LedgerUnavailable, match="invalid input syntax for type bigint"):
        await copied(place, there)

    async with open_store(there) as ledger:
        assert await ledger.known() == []
        assert await ledger.ids("i") == set()
    with closing(sqlite3.connect(place.file)) as db, db:
        db.execute("update minutes set points = 2")
    assert (await copied(place, there))["minutes"].rows == 1
