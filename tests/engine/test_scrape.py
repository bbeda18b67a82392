"""What a scrape shows when the ledger cannot be read, when indexes come and go, and how rarely it asks the source."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from connector.daemon.index_loop import IndexLoop
from connector.daemon.index_loops import IndexLoops
from connector.daemon.ledger_writes import LedgerWrites
from connector.daemon.schedule import Schedule
from connector.daemon.scrape import SOURCE_AGE_SEC, Scraper
from connector.domain.errors import LedgerUnavailable
from connector.domain.events import CycleEnded, RequestEnded
from connector.domain.ledger_model import IndexState, Summary
from connector.domain.report import CycleKind, CycleReport
from connector.settings.connector_settings import given_only
from connector.telemetry.last_cycles import LastCycles
from connector.telemetry.metrics import Metrics
from tests.engine.world import INDEX, World
from tests.fakes.ledger import FakeCheckpointStore
from tests.scraped import Scraped, read

OTHER = "index-b"


class Ledger(FakeCheckpointStore):
    """Some indexes are damaged."""

    def __init__(self) -> None:
        super().__init__()
        self.damaged: set[str] = set()

    async def summary(self, index_id: str, max_attempts: int) -> Summary:
        if index_id in self.damaged:
            raise LedgerUnavailable("read ledger row", index_id, "damaged")
        return await super().summary(index_id, max_attempts)


class Place:
    def __init__(self, directory: Path) -> None:
        self.world = World()
        self.world.ledger = self.ledger = Ledger()
        self.settings = given_only(
            twelvelabs_api_key="key",
            connector_indexes=f"{INDEX},{OTHER}",
            connector_data_dir=directory,
            qdrant_url="embedded",
        )
        self.metrics, self.last_cycles = Metrics(), LastCycles(lambda: self.world.now)
        self.loops = IndexLoops(self.settings, Schedule(wall=lambda: self.world.now))
        self.asked: list[Mapping[str, float]] = []
        self.why: dict[str, str] = {}
        self.scraper = Scraper(
            self.metrics,
            self.last_cycles,
            self.loops,
            self.ledger,
            self.settings,
            self.reasons,
            lambda: (0.25, 2, "sink"),
            lambda: self.world.now,
        )
        for index_id in (INDEX, OTHER):
            self.follow(index_id)

    async def reasons(self, ages: Mapping[str, float]) -> dict[str, str]:
        self.asked.append(ages)
        return self.why

    def follow(self, index_id: str) -> None:
        settings, writes = self.settings.of_index(index_id), LedgerWrites(lambda _: None)
        self.loops._loops[index_id] = IndexLoop(settings, self.world.engine(), self.ledger, writes, 3600.0)

    async def scrape(self) -> Scraped:
        return read((await self.scraper(""))[0].decode())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def ended(index_id: str, **facts: Any) -> CycleEnded:
    return CycleEnded("c", CycleKind.FULL, replace(CycleReport(index_id, complete=True), **facts))


async def test_a_name_has_no_character_that_a_terminal_interprets(place: Place) -> None:
    state = IndexState(first_cycle_at=1.0, canary_at=1.0, index_name="a\x1b]0;x\x07\u202eb", model="m")
    await place.ledger.adopt(INDEX, [], state)

    found = await place.scrape()

    names = {"index_name": "a\ufffd]0;x\ufffd\ufffdb", "model": "m", "collection": "twelvelabs-m"}
    assert found.value("connector_index_info", index_id=INDEX, **names) == 1


async def test_a_new_ledger_shows_zeros(place: Place) -> None:
    found = await place.scrape()

    assert found.value("connector_ledger_assets", index_id=INDEX) == 0
    assert found.value("connector_last_success_timestamp_seconds", index_id=INDEX, kind="full_cycle") == 0
    assert found.value("connector_index_info", index_id=INDEX, index_name="", model="", collection="") == 1
    assert found.value("connector_changes_in_progress") == 2
    assert found.value("connector_limited_by", limit="sink") == 1
    assert found.total("connector_limited_by") == 1


async def test_a_damaged_index_hides_only_its_own_facts(place: Place) -> None:
    place.ledger.damaged = {INDEX}
    place.why = {"ledger": "damaged"}
    place.last_cycles(ended(INDEX))

    found = await place.scrape()

    assert found.total("connector_ledger_assets", index_id=OTHER) == 0
    assert frozenset({("index_id", OTHER)}) in {labels for name, labels in found.values if name == "connector_points"}
    assert frozenset({("index_id", INDEX)}) not in {
        labels for name, labels in found.values if name == "connector_points"
    }
    assert found.value("connector_last_success_timestamp_seconds", index_id=INDEX, kind="full_cycle") == place.world.now
    assert [found.value("connector_ready", component=it) for it in ("ledger", "sink")] == [0, 1]


async def test_an_index_that_is_not_followed_any_more_is_not_shown(place: Place) -> None:
    """So that no alert waits for it for ever."""
    place.last_cycles(ended(OTHER, withheld=5))
    before = await place.scrape()
    del place.loops._loops[OTHER]

    after = await place.scrape()

    gauges = {
        name
        for name, labels in before.values
        if ("index_id", OTHER) in labels and not name.endswith(("_total", "_bucket", "_count", "_sum"))
    }
    assert {"connector_deletes_withheld", "connector_last_success_timestamp_seconds"} <= gauges
    assert {name for name, labels in after.values if ("index_id", OTHER) in labels} & gauges == set()


async def test_it_starts_from_what_earlier_processes_did(place: Place) -> None:
    """A damaged report of one index hides nothing of another."""
    for index_id in (INDEX, OTHER):
        await place.ledger.adopt(index_id, [], IndexState(1.0, 1.0))
    good = CycleReport(INDEX, complete=True, withheld=3)
    failed = CycleReport(INDEX, error={"code": "index_gone", "message": "gone"})
    await place.ledger.save_report(INDEX, asdict(good), kind=CycleKind.FULL, ended_at=10.0)
    await place.ledger.save_report(INDEX, asdict(failed), kind=CycleKind.FULL, ended_at=20.0)
    await place.ledger.save_report(OTHER, {"withheld": "many"}, kind=CycleKind.FULL, ended_at=30.0)

    await place.scraper.remember()
    found = await place.scrape()

    assert found.value("connector_last_cycle_timestamp_seconds", index_id=INDEX, kind="full_cycle") == 20
    assert found.value("connector_last_success_timestamp_seconds", index_id=INDEX, kind="full_cycle") == 10
    assert found.value("connector_deletes_withheld", index_id=INDEX) == 3
    assert found.value("connector_last_cycle_timestamp_seconds", index_id=OTHER, kind="full_cycle") == 0


async def test_the_source_is_asked_rarely_unless_it_fails(place: Place) -> None:
    await place.scrape()
    place.metrics(RequestEnded("list", "", None, 503, 0.1, error="unavailable"))
    await place.scrape()
    place.metrics(RequestEnded("list", "", None, 200, 0.1))
    await place.scrape()

    assert place.asked == [{"source": SOURCE_AGE_SEC}, {}, {"source": SOURCE_AGE_SEC}]


async def test_many_scrapes_at_once_are_each_complete(place: Place) -> None:
    async with asyncio.TaskGroup() as group:
        scrapes = [group.create_task(place.scrape()) for _ in range(10)]

    assert {frozenset(it.result().values) for it in scrapes} == {frozenset((await place.scrape()).values)}
