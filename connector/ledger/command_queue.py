"""Queue of commands for the daemon, in table `orders` of the ledger."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from connector.domain.errors import LedgerUnavailable
from connector.domain.report import CycleReport
from connector.ledger.database import Database, LedgerTables
from connector.ledger.rows import LedgerRow


class CommandState(StrEnum):
    PLACED = "placed"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    ABANDONED = "abandoned"


_UNFINISHED = (CommandState.PLACED, CommandState.RUNNING)
_TAKE = """
update orders set state = 'running'
where id = (select id from orders where state = 'placed' order by id limit 1) and state = 'placed' returning id
"""
_ABANDON = "update orders set state = 'abandoned', result = ? where state = ?"
ENDED = frozenset({CommandState.DONE, CommandState.REFUSED, CommandState.ABANDONED})


@dataclass(frozen=True, slots=True)
class Command:
    """`kind` is the name of the command; `arguments`, `progress` and `result` hold JSON values."""

    command_id: int
    kind: str
    arguments: Mapping[str, Any]
    state: CommandState
    progress: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)


class CommandQueue(LedgerTables):
    """Both ends of the queue: any process places and reads; the owner of the ledger takes and finishes."""

    async def place(self, kind: str, arguments: Mapping[str, Any]) -> int:
        """Queue a command; return its id."""

        async def work(db: Database) -> int:
            query = "insert into orders (kind, arguments) values (?, ?) returning id"
            return int((await db.execute(query, (kind, json.dumps(arguments)))).fetchone()[0])

        return await self._run("write", work)

    async def take(self) -> Command | None:
        """Take the oldest placed command, which nobody else takes then; None if there is none.

        Refuses unreadable commands, which would block the queue.
        """

        async def work(db: Database) -> Command | None:
            while row := (await db.execute(_TAKE)).fetchone():
                try:
                    return await _command(db, row[0])
                except LedgerUnavailable as error:
                    await _refuse(db, row[0], error)
            return None

        return await self._run("write", work)

    async def progress(self, command_id: int, progress: Mapping[str, Any]) -> None:
        query = "update orders set progress = ? where id = ?"
        await self._run("write", lambda db: db.execute(query, (json.dumps(progress), command_id)))

    async def finish(self, command_id: int, state: CommandState, result: Mapping[str, Any]) -> None:
        query = "update orders set state = ?, result = ? where id = ?"
        await self._run("write", lambda db: db.execute(query, (state.value, json.dumps(result), command_id)))

    async def read(self, command_id: int) -> Command:
        return await self._run("read", lambda db: _command(db, command_id))

    async def abandon_all(self) -> None:
        """Abandon the unfinished commands of a previous daemon, and remove all but the last 100 commands.

        The result says whether one was `begun`: who waits for another one may place it again.
        """

        async def work(db: Database) -> None:
            results = {state: json.dumps({"begun": state == CommandState.RUNNING}) for state in _UNFINISHED}
            for state, result in results.items():
                await db.execute(_ABANDON, (result, state.value))
            await db.execute("delete from orders where id <= (select max(id) from orders) - 100")

        await self._run("write", work)


async def _refuse(db: Database, command_id: int, error: LedgerUnavailable) -> None:
    result = {"code": error.code, "message": str(error)}
    await db.execute("update orders set state = 'refused', result = ? where id = ?", (json.dumps(result), command_id))


async def _command(db: Database, command_id: int) -> Command:
    query = "select id, kind, arguments, state, progress, result from orders where id = ?"
    row, at = (await db.execute(query, (command_id,))).fetchone(), LedgerRow("orders", (command_id,))
    if row is None:
        at.damaged("id", "this command does not exist any more")
    number, kind, arguments, state, progress, result = row
    return Command(
        number,
        at.text("kind", kind),
        at.document("arguments", arguments),
        _state(at, state),
        {} if progress is None else at.document("progress", progress),
        {} if result is None else at.document("result", result),
    )


def _state(at: LedgerRow, cell: object) -> CommandState:
    state = at.text("state", cell)
    if state not in set(CommandState):
        at.newer("state", f"unknown state {state!r}")
    return CommandState(state)


def read_report(facts: Mapping[str, Any]) -> CycleReport:
    """Read the CycleReport in a command's result, as written by `asdict`. Raises LedgerUnavailable if invalid."""
    return LedgerRow("orders", ("of", str(facts.get("index_id")))).typed("result", dict(facts), CycleReport)
