"""A ledger with something in every table and cell, odd text too."""

from connector.domain.history import Minute
from connector.domain.ledger_model import Checkpoint
from connector.domain.ledger_place import LedgerPlace
from connector.domain.priority import Priority
from connector.ledger.command_queue import CommandQueue
from connector.ledger.ledger_opening import open_queue, open_store
from tests.builders import applied, asset, attempt
from tests.contract.ledgers import STATE

ODD = ("a\x00b", "\x00", "\ue000", "\ue0000", "\ue000d800", "%s ? $1", "ä", "'\"\\", "\U0001f3ac")
"""NUL, which PostgreSQL cannot store, and text like its escapes."""


async def fill(place: LedgerPlace) -> None:
    async with open_store(place) as ledger:
        rows = [
            Checkpoint(
                name,
                applied(points=2**40),
                opened=True,
                collections=frozenset({"c", name}),
                attempt=attempt("print", 3, reason=f"because {name}", code="code", due=1e9 + 0.125),
                listed=asset(name, filename=f"{name}.mp4"),
                priority=Priority.BACKLOG,
                absent_since=1.5,
            )
            for name in ODD
        ]
        await ledger.adopt("i", [*rows, Checkpoint("empty")], STATE)
        await ledger.save_report("i", {"text": "".join(ODD)}, kind="sync", ended_at=7.25)
        await ledger.add_minute("i", Minute(5, 1, 2, 3, 4.5, 6.5))
        await ledger.forget("i", ODD[0], 3.0)
        await ledger.save_claim("i", "instance", 2**40)
    async with open_queue(place) as queue:
        await _place_and_end(queue)


async def _place_and_end(queue: CommandQueue) -> None:
    for number in range(3):
        await queue.place("sync", {"number": number, "text": "".join(ODD)})
    assert await queue.take()
