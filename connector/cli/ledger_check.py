"""How `connector check` tests the ledger. Reads only."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.ledger_opening import inspected, open_store


@dataclass(frozen=True, slots=True)
class Ledger:
    """`usable` says what it is and what may be done with it."""

    usable: str
    reports: int
    index_ids: list[str]

    def __str__(self) -> str:
        return f"{self.usable} and has reports of {self.reports} indexes"


async def check_ledger(place: LedgerPlace) -> Ledger:
    """Read every row. Raises LedgerUnavailable, or ConfigError for a database that the connector cannot use."""
    usable = await _file(place) if place.url is None else f"{place} ({await inspected(place)}) is readable and writable"
    async with open_store(place, read_only=True) as ledger:
        reports = await ledger.reports()
        for index_id in reports:
            await ledger.state(index_id)
            await ledger.load(index_id)
        return Ledger(usable, len(reports), await ledger.known())


async def _file(place: LedgerPlace) -> str:
    path = place.file
    await asyncio.to_thread(_writable, (path, path.with_name(f"{path.name}-wal"), place.lock))
    return f"{path} is readable and writable" if path.exists() else f"{path} is readable"


def _writable(paths: Iterable[Path]) -> None:
    """Open each file for writing and close it again. This changes nothing and detects files of another user."""
    for path in paths:
        try:
            with path.open("r+b"):
                pass
        except FileNotFoundError:
            continue
        except OSError as error:
            advice = "Make it writable for this user: it may belong to the user that ran the connector before"
            raise LedgerUnavailable("write to", str(path), error.strerror or str(error), advice) from error
