"""The status page of an index of 100,000 assets: until the first byte, while a writer goes on and a page is watched."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from benchmarks.ledger import APPLIED, ASSETS, Writer
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Attempt, Checkpoint, IndexState
from connector.domain.priority import Priority
from connector.domain.source_model import IndexedAsset
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from connector.web.health import web_app
from connector.web.listener import listening
from connector.web.pages.page_routes import page_routes
from connector.web.pages.status_site import StatusSite

ROUNDS = 15
FAILED = Attempt("print", 2, 1.0, "retrieve asset: dimension 7 instead of 512", "malformed_asset", 2.0, 1.0)
LIVE = {"doing": "full cycle", "planned": 7000, "done": 12, "failures_in_a_row": 0, "error": None, "checked_at": None}
PATHS = {
    "overview": "/",
    "all assets": "/indexes/index",
    "all assets, from the middle": f"/indexes/index?after={ASSETS // 2:024x}",
    "failed assets": "/indexes/index?state=failed",
    "a rare state": "/indexes/index?state=quarantined",
    "a part of a file name": "/indexes/index?text=cut+99999",
}


def _rows() -> Iterator[Checkpoint]:
    """5 % backlog, 2 % failed, the rest applied."""
    for number in range(ASSETS):
        name = f"{number:024x}"
        listed = IndexedAsset(name, "ready", filename=f"2026-11-29 final cut {number}.mp4")
        row = Checkpoint(name, APPLIED, collections=frozenset({APPLIED.collection}), listed=listed)
        if number % 20 == 0:
            row = replace(row, priority=Priority.BACKLOG)
        elif number % 50 == 1:
            row = replace(row, attempt=FAILED)
        yield row


def _settings(index_id: str) -> IndexSettings:
    return IndexSettings(
        index_id=index_id,
        collection="twelvelabs-{model}",
        embedding_options=None,
        transcript=True,
        media_links=False,
        payload_profile="none",
        sparse_transcript=False,
        metadata_indexes=MappingProxyType({}),
        delete_mode="sync",
        delete_grace=0.0,
        max_deletes=10,
        max_delete_ratio=0.2,
        max_attempts=5,
        refresh_interval=86_400.0,
        deep_refresh_interval=2_592_000.0,
    )


async def _nothing() -> dict[str, str]:
    return {}


def _site(ledger: SqliteCheckpointStore) -> StatusSite:
    live = {"state": "running", "limited_by": None, "indexes": {"index": LIVE}}
    return StatusSite(ledger, time.time, lambda: live, _nothing, _settings, asyncio.Event())


async def _first_byte(port: int, path: str) -> tuple[float, float]:
    """Seconds, and seconds of CPU of the whole process."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began, used = time.perf_counter(), time.process_time()
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
    first = await reader.read(1)
    took = time.perf_counter() - began, time.process_time() - used
    assert (first + await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    return took


async def _watch(port: int) -> None:
    """A page that is left open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
    try:
        while await reader.read(65_536):
            pass
    finally:
        writer.close()


async def _longest_change(ledger: SqliteCheckpointStore, meanwhile: Awaitable[object]) -> float:
    writer = Writer(ledger)
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(writer.run())
        await meanwhile
        writing.cancel()
    return writer.longest


async def measure(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        state = IndexState(1.0, 1.0, index_name="Match archive", model="marengo3.0")
        await ledger.adopt("index", list(_rows()), state)
        site = _site(ledger)
        app = web_app(lambda: 0.0, _nothing, lambda _: _nothing(), page_routes(site))
        async with listening(app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT") as port:
            for name, address in PATHS.items():
                times = []
                for _ in range(ROUNDS):
                    await asyncio.sleep(1.05 if address == "/" else 0.02)  # the overview is read once a second
                    times.append(await _first_byte(port, address))
                typical, longest = sorted(times)[ROUNDS // 2], max(it for it, _ in times)
                first, used = typical[0] * 1000, typical[1] * 1000
                print(f"  {name}: {first:.0f} ms, longest {longest * 1000:.0f}; CPU {used:.0f} ms")
            alone = await _longest_change(ledger, asyncio.sleep(5))
            async with asyncio.TaskGroup() as group:
                watching = [group.create_task(_watch(port)) for _ in range(8)]
                watched = await _longest_change(ledger, asyncio.sleep(5))
                site.stopping.set()
                await asyncio.wait(watching)
    print(
        f"  longest of all changes of three commits: {alone * 1000:.0f} ms, {watched * 1000:.0f} with eight pages open"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(Path(directory) / "ledger.sqlite3"))


if __name__ == "__main__":
    main()
