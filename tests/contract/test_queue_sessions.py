"""The two sessions of the job queue in PostgreSQL."""

import asyncio
from pathlib import Path

from connector.domain.ledger_place import LedgerPlace
from connector.ledger.ledger_opening import open_store, postgres_address
from connector.ledger.postgres.queue_session import queue_sessions

CHANNEL = "connector_test"
SEC = 5.0


async def test_a_notification_waits_until_somebody_listens(postgres_ledger: str) -> None:
    """The queue's first look at its own listener may come before it listens, and would end the session."""
    place = LedgerPlace(Path("unused"), postgres_ledger)
    async with open_store(place):
        pass
    heard = asyncio.Queue[str | bytes | bytearray]()
    async with queue_sessions(postgres_address(place)) as sessions, sessions, asyncio.TaskGroup() as group:
        group.create_task(sessions.notify(CHANNEL, "early"))
        for _ in range(3):  # time for a notification that does not wait
            await sessions.fetch("select 1")

        await sessions.add_listener(CHANNEL, heard.put_nowait)
        async with asyncio.timeout(SEC):
            assert await heard.get() == "early"
