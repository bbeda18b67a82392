"""Commands among replicas: the holder of an index carries out what concerns it, and one replica splits the others."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from connector.cluster.lease_keeper import LeaseKeeper
from connector.cluster.replica import Replica
from connector.domain.errors import ConfigError, ConnectorError, CycleError
from connector.ledger.command_queue import ENDED, Command, CommandQueue, CommandState
from connector.ledger.database import Database

READY, POLL = "ready", "poll"
"""Not from operators: a webhook that reached another replica than the holder of the index."""
_OF_ALL = ("sync", "verify")
_FEW = 50
_LOOK_SEC = 0.5
_OLDEST = "select id, kind, arguments from orders where state = 'placed' order by id limit ?"
_TAKE = "update orders set state = 'running', taken_by = ? where id = ? and state = 'placed'"
_TELL = "insert into orders (kind, arguments) values (?, ?)"
_FORGET = """
delete from orders where (kind in ('ready', 'poll') and state not in ('placed', 'running'))
or id <= (select max(id) from orders) - 1000
"""


class SharedCommands(CommandQueue):
    """`take` gives this replica what it may carry out."""

    def __init__(self, replica: Replica, keeper: LeaseKeeper) -> None:
        super().__init__(replica.transactions)
        self._replica, self._keeper = replica, keeper

    async def close(self) -> None:
        """The transactions are the replica's."""

    async def abandon_all(self) -> None:
        """Other replicas may work on them; those of dead ones are abandoned by whoever notices."""

    async def take(self) -> Command | None:
        if self._keeper.stands_by:
            return None

        async def look(db: Database) -> list[tuple[int, str, str]]:
            return [(number, kind, text) for number, kind, text in await db.execute(_OLDEST, (_FEW,))]

        for number, kind, text in await self._transactions.run("read", look):
            if await self._is_mine(kind, _index_of(text)) and await self._took(number):
                return await self.read(number)
        return None

    async def _is_mine(self, kind: str, index_id: str | None) -> bool:
        """One without an index concerns all of them: any replica may split it."""
        leases = self._replica.leases
        if index_id is None:
            return bool(leases.held) or kind != POLL
        if index_id in leases.held:
            return True
        if self._keeper.wanted is None or index_id in self._keeper.wanted:
            return False
        self._keeper.kept.add(index_id)
        taken = await leases.take(index_id)
        if not taken:
            self._keeper.kept.discard(index_id)
        return taken

    async def _took(self, number: int) -> bool:
        values = (self._replica.replica_id, number)
        return (await self._transactions.run("write", lambda db: db.execute(_TAKE, values))).rowcount > 0

    async def ended(self, command: Command) -> None:
        """Give back a lease that only the command needed."""
        index_id = _index_of(json.dumps(dict(command.arguments)))
        if index_id in self._keeper.kept:
            self._keeper.kept.discard(index_id)
            await self._replica.leases.release(index_id)

    async def tell(self, index_id: str, indexed_asset_id: str | None) -> None:
        """Tell the holder of the index that this asset is ready; None: that it should poll."""
        kind, arguments = READY, {"index_id": index_id, "asset": indexed_asset_id}
        if indexed_asset_id is None:
            kind, arguments = POLL, {"index_id": index_id}
        await self._transactions.run("write", lambda db: db.execute(_TELL, (kind, json.dumps(arguments))))

    async def forget_old(self) -> None:
        await self._transactions.run("write", lambda db: db.execute(_FORGET))

    def must_split(self, command: Command, index_ids: Collection[str]) -> bool:
        return command.kind in _OF_ALL and not set(index_ids) <= self._replica.leases.held.keys()

    async def split(
        self, command: Command, index_ids: Sequence[str], tell: Callable[[Mapping[str, Any]], Awaitable[None]]
    ) -> list[Mapping[str, Any]]:
        """Have the command carried out by the holder of each index; the results in that order.

        Raises the error of the first one that was refused, when all have ended.
        """
        parts = [await self.place(command.kind, {**command.arguments, "indexes": [it]}) for it in index_ids]
        while True:
            found = [await self.read(part) for part in parts]
            await tell({index_id: it for part in found for index_id, it in part.progress.items()})
            if all(part.state in ENDED for part in found):
                break
            await asyncio.sleep(_LOOK_SEC)
        for index_id, part in zip(index_ids, found, strict=True):
            if part.state is not CommandState.DONE:
                raise _refusal(command.kind, index_id, part)
        return [part.result for part in found]


def _index_of(text: str) -> str | None:
    """The only index that a command concerns; None for several, and for arguments that are none."""
    try:
        arguments = json.loads(text)
    except ValueError:
        return None
    if not isinstance(arguments, dict):
        return None
    indexes = arguments.get("indexes")
    if isinstance(indexes, list) and len(indexes) == 1:
        return str(indexes[0])
    named = arguments.get("index_id")
    return named if isinstance(named, str) else None


def _refusal(kind: str, index_id: str, part: Command) -> ConnectorError:
    if part.state is not CommandState.REFUSED:
        return CycleError("command", kind, f"the replica that worked on index {index_id} stopped", "Run it again")
    mistaken = part.result.get("code") == ConfigError.code
    error = (ConfigError if mistaken else CycleError)("command", kind, str(part.result.get("message", "")))
    error.code = str(part.result.get("code", error.code))
    return error
