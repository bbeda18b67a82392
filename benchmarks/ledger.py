"""The ledger of an index of 100,000 assets: its summary against reading all rows, while a writer goes on."""

import asyncio
import tempfile
import time
from pathlib import Path

from connector.domain.ledger_model import Applied, Checkpoint, IndexState
from connector.ledger.index_states import index_states
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore

ASSETS = 100_000
APPLIED = Applied("f" * 32, "r" * 32, "m" * 32, 300, "twelvelabs-marengo3.0", 1.0, 1.0, 1.0)


class Writer:
    """Works on one asset after the other, as a worker does; remembers its longest change in seconds."""

    def __init__(self, ledger: SqliteCheckpointStore) -> None:
        self._ledger, self.longest, self.changes = ledger, 0.0, 0

    async def run(self) -> None:
        while True:
            started, name = time.perf_counter(), f"{self.changes % 1000:024x}"
            await self._ledger.attempt("index", name, "print", 1.0)
            await self._ledger.open("index", name, [APPLIED.collection])
            await self._ledger.record("index", name, APPLIED)
            self.longest, self.changes = max(self.longest, time.perf_counter() - started), self.changes + 1


async def measure(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        rows = [
            Checkpoint(f"{number:024x}", APPLIED, collections=frozenset({APPLIED.collection}))
            for number in range(ASSETS)
        ]
        await ledger.adopt("index", rows, IndexState(1.0, 1.0))
        writer, times = Writer(ledger), []
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(writer.run())
            for _ in range(20):
                started = time.perf_counter()
                await index_states(ledger, 5, time.time())
                times.append(time.perf_counter() - started)
                await asyncio.sleep(0.05)
            writing.cancel()
        started = time.perf_counter()
        await ledger.load("index")
        whole = time.perf_counter() - started
    typical, longest = sorted(times)[len(times) // 2], max(times)
    print(f"  {typical * 1000:.1f} ms, longest {longest * 1000:.1f}; {whole / typical:,.0f} times as fast as all rows")
    print(f"  longest of {writer.changes} changes of three commits meanwhile: {writer.longest * 1000:.1f} ms")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(Path(directory) / "ledger.sqlite3"))
