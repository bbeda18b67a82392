"""What applies to a file only, and how the fake crashes."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_model import Attempt, IndexState
from connector.ledger.database import Database
from connector.ledger.sqlite.sqlite_schema import VERSION
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests.builders import applied, row
from tests.fakes.ledger import FakeCheckpointStore
from tests.fakes.sink import Crashed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def directory(path: Path) -> dict[str, bytes]:
    """The names of the ledger file and of the files beside it."""
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


def fill(path: Path, content: bytes) -> dict[str, bytes]:
    path.write_bytes(content)
    return directory(path)


def sqlite(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


async def test_everything_survives_a_restart(path: Path) -> None:
    facts = applied(at=12.5)
    state = IndexState(
        first_cycle_at=1.0,
        canary_at=2.0,
        deep_due_since=3.0,
        shallow_due_since=3.5,
        index_name="ü",
        withheld_because="too many",
        withheld_from=7,
        watermark=4.5,
        pending=frozenset({"x"}),
    )
    async with SqliteCheckpointStore(path) as ledger:
        await ledger.adopt("i", [row("a", facts)], state)
        await ledger.open("i", "b", ["c"])
        tried = await ledger.attempt("i", "b", "print", 5.0)
        await ledger.save_report("i", {"listed": 2})
        await ledger.save_claim("i", "instance", 2)
        identity = await ledger.identity()
        await ledger.open("i", "gone", ["c"])
        await ledger.forget("i", "gone", 9.0)
    async with SqliteCheckpointStore(path) as ledger:
        expected = {"a": row("a", facts), "b": row("b", opened=True, collections=["c"], attempt=tried)}
        assert await ledger.load("i") == expected
        assert (await ledger.state("i"), await ledger.reports()) == (state, {"i": {"listed": 2}})
        assert (await ledger.claims("i"), await ledger.deletes_since("i", 0.0)) == ({"instance": 2}, 1)
        assert await ledger.identity() == identity


async def test_what_was_dropped_is_gone_after_a_restart(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        await ledger.adopt("i", [row("a", applied())], IndexState(1.0, 2.0))
        await ledger.forget("i", "a", 9.0)
        await ledger.drop_index("i")
    async with SqliteCheckpointStore(path) as ledger:
        assert await ledger.load("i") == {}
        assert await ledger.state("i") is None
        assert await ledger.reports() == {}
        assert await ledger.deletes_since("i", 0.0) == 0


async def test_a_ledger_that_breaks_while_it_is_open_does_not_answer(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        await ledger.ping()
        sqlite(path, "drop table indexes")
        with pytest.raises(LedgerUnavailable, match=r"no such table.*restore the file"):
            await ledger.ping()


async def _synchronous(db: Database) -> int:
    (mode,) = (await db.execute("pragma synchronous")).fetchone()
    return int(mode)


async def test_commits_are_durable_against_power_loss(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        mode = await ledger._run("read", _synchronous)
    assert mode == 2  # FULL


async def test_a_write_that_fails_half_way_leaves_nothing(path: Path) -> None:
    """Adopting is all or nothing: here the state cannot be written after the rows."""
    async with SqliteCheckpointStore(path) as ledger:
        await ledger.open("i", "a", ["c"])
        sqlite(path, "create trigger full before insert on indexes begin select raise(abort, 'disk full'); end")
        with pytest.raises(LedgerUnavailable, match="disk full"):
            await ledger.adopt("i", [row("b", applied())], IndexState(1.0, 1.0))
        assert set(await ledger.load("i")) == {"a"}


async def test_many_tasks_may_write_at_once(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(ledger.attempt("i", "a", "print", 1.0))
        assert (await ledger.load("i"))["a"].attempt == Attempt("print", 20, 1.0)


async def test_a_reader_sees_what_is_committed_while_another_writes(path: Path) -> None:
    async with SqliteCheckpointStore(path) as writer:
        await writer.open("i", "a", ["c"])
        async with SqliteCheckpointStore(path, read_only=True) as reader:
            assert set(await reader.load("i")) == {"a"}
            await writer.open("i", "b", ["c"])
            assert set(await reader.load("i")) == {"a", "b"}


async def test_a_reader_of_no_ledger_sees_an_empty_one_and_creates_nothing(path: Path) -> None:
    async with SqliteCheckpointStore(path, read_only=True) as reader:
        assert (await reader.load("i"), await reader.reports()) == ({}, {})
    assert directory(path) == {}


async def test_a_reader_leaves_no_files_beside_the_ledger(path: Path) -> None:
    """If another user reads it, leftover files would block the daemon from writing."""
    async with SqliteCheckpointStore(path) as ledger:
        await ledger.open("i", "a", ["c"])
    before = directory(path)
    async with SqliteCheckpointStore(path, read_only=True) as reader:
        assert set(await reader.load("i")) == {"a"}
        assert directory(path) == before
    assert directory(path) == before
    assert list(before) == [path.name]


async def test_a_file_without_content_is_an_empty_ledger(path: Path) -> None:
    """As left by a process that was killed while it created the file."""
    fill(path, b"")
    async with SqliteCheckpointStore(path, read_only=True) as reader:
        assert await reader.reports() == {}
    async with SqliteCheckpointStore(path) as ledger:
        assert await ledger.reports() == {}


async def test_a_reader_cannot_write_to_a_ledger_in_use(path: Path) -> None:
    async with SqliteCheckpointStore(path) as writer:
        await writer.open("i", "a", ["c"])
        async with SqliteCheckpointStore(path, read_only=True) as reader:
            with pytest.raises(LedgerUnavailable, match="readonly"):
                await reader.open("i", "b", ["c"])


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_ledger_of_a_newer_release_is_refused(path: Path, read_only: bool) -> None:
    sqlite(path, f"pragma user_version = {VERSION + 1}")
    before = directory(path)
    with pytest.raises(LedgerUnavailable) as refused:
        async with SqliteCheckpointStore(path, read_only=read_only):
            pytest.fail("it was opened")
    assert f"{path}: it has schema version {VERSION + 1}" in str(refused.value)
    assert "Use the release that wrote it or a newer one" in str(refused.value)
    assert directory(path) == before


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_corrupt_ledger_is_refused_by_name_and_left_alone(path: Path, read_only: bool) -> None:
    before = fill(path, b"no database at all" * 1000)
    with pytest.raises(LedgerUnavailable, match=r"file is not a database.*restore the file") as refused:
        async with SqliteCheckpointStore(path, read_only=read_only):
            pytest.fail("it was opened")
    assert str(path) in str(refused.value)
    assert directory(path) == before


async def test_a_directory_that_cannot_hold_the_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "ledger.sqlite3"
    with pytest.raises(LedgerUnavailable, match="Check that its directory exists, is writable") as refused:
        async with SqliteCheckpointStore(path):
            pytest.fail("it was opened")
    assert (refused.value.code, refused.value.subject) == ("ledger_unavailable", str(path))


async def test_the_fake_crashes_instead_of_its_kth_write() -> None:
    ledger = FakeCheckpointStore()
    ledger.crash_at(2)
    await ledger.open("i", "a", ["c"])
    await ledger.load("i")
    with pytest.raises(Crashed):
        await ledger.open("i", "b", ["c"])
    assert (set(await ledger.load("i")), ledger.writes) == ({"a"}, 1)
    await ledger.open("i", "c", ["c"])
    assert (set(await ledger.load("i")), ledger.writes) == ({"a", "c"}, 2)


async def test_the_fake_crashes_after_its_kth_write() -> None:
    ledger = FakeCheckpointStore()
    ledger.crash_at(1, after=True)
    with pytest.raises(Crashed):
        await ledger.open("i", "a", ["c"])
    assert (set(await ledger.load("i")), ledger.writes) == ({"a"}, 1)


async def test_the_fake_can_be_disarmed() -> None:
    ledger = FakeCheckpointStore()
    ledger.crash_at(1)
    ledger.disarm()
    await ledger.open("i", "a", ["c"])
    assert ledger.writes == 1
