"""A command that follows a daemon: what it does when that daemon starts or stops meanwhile."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from connector.cli.follow import follow
from connector.domain.errors import ConnectorError, CycleError, LedgerUnavailable
from connector.ledger.command_queue import Command, CommandQueue, CommandState
from connector.ledger.sqlite.lock import hold_lock
from connector.ledger.sqlite.sqlite_file import SqliteFile
from connector.settings.connector_settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        twelvelabs_api_key=SecretStr("key"),
        connector_data_dir=tmp_path,
        connector_indexes=("0123456789abcdef01234567",),
    )


async def placed(queue: CommandQueue, command_id: int) -> Command:
    """The command with this id, once it is there."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await queue.read(command_id)
            except LedgerUnavailable:
                await asyncio.sleep(0.01)


async def test_a_command_that_came_while_the_daemon_started_is_placed_again(settings: Settings) -> None:
    async with CommandQueue(SqliteFile(settings.ledger.file)) as daemon, asyncio.TaskGroup() as group:
        with hold_lock(settings.ledger.lock, "run"):
            following = group.create_task(follow(settings, "sync", {"index": "a"}))
            assert (await placed(daemon, 1)).state is CommandState.PLACED
            await daemon.abandon_all()
            again = await placed(daemon, 2)
            assert (again.kind, again.arguments, again.state) == ("sync", {"index": "a"}, CommandState.PLACED)
            assert await daemon.take() == await daemon.read(2)
            await daemon.finish(2, CommandState.DONE, {"reports": []})
            assert await following == {"reports": []}


async def test_a_command_that_a_daemon_had_begun_is_not_placed_again(settings: Settings) -> None:
    async with CommandQueue(SqliteFile(settings.ledger.file)) as daemon, asyncio.TaskGroup() as group:
        with hold_lock(settings.ledger.lock, "run"):
            following = group.create_task(_outcome(settings))
            await placed(daemon, 1)
            assert await daemon.take()
            await daemon.abandon_all()
            assert "the daemon stopped before it was done" in await following
            assert await daemon.take() is None


async def test_a_command_without_a_daemon_ends(settings: Settings) -> None:
    async with CommandQueue(SqliteFile(settings.ledger.file)) as daemon:
        assert "the daemon stopped before it was done" in await _outcome(settings)
        assert (await daemon.read(1)).state is CommandState.ABANDONED


async def test_a_refused_command_has_the_code_and_the_message_of_the_daemon(settings: Settings) -> None:
    async with CommandQueue(SqliteFile(settings.ledger.file)) as daemon, asyncio.TaskGroup() as group:
        with hold_lock(settings.ledger.lock, "run"):
            following = group.create_task(_refused(settings))
            await placed(daemon, 1)
            assert await daemon.take()
            result = {"code": "index_gone", "message": "the index does not exist"}
            await daemon.finish(1, CommandState.REFUSED, result)
            error = await following
    assert isinstance(error, CycleError)
    assert (error.code, "the index does not exist" in str(error)) == ("index_gone", True)


async def _refused(settings: Settings) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        await follow(settings, "forget", {})
    return caught.value


async def _outcome(settings: Settings) -> str:
    with pytest.raises(LedgerUnavailable) as caught:
        await follow(settings, "sync", {})
    return str(caught.value)
