"""An invented connector for the pictures of the status page: the real pages over made-up facts and a fixed clock."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from connector.domain import timestamps
from connector.domain.history import Minute
from connector.domain.ledger_model import Checkpoint, IndexState
from connector.domain.priority import Priority
from connector.domain.report import CycleReport, Problem
from connector.domain.sink_model import Hit
from connector.domain.stored_segments import StoredSegment
from connector.engine.text_search import ModelMoments
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from connector.web.access import Guard
from connector.web.asset_view import AssetView
from connector.web.health import web_app
from connector.web.listener import listening
from connector.web.pages.moment_routes import moment_routes
from connector.web.pages.moment_site import MomentSite
from connector.web.pages.page_routes import page_routes
from connector.web.pages.status_site import StatusSite
from tests.builders import applied, asset, attempt, index_settings, row

NOW = timestamps.epoch("2026-11-29T10:04:00Z")
ARCHIVE, NEWS, TALKS = (f"66aa0000000000000000000{number}" for number in (1, 2, 3))
ASSET = "66ab0000000000000000002f"
QUERY = "an astronaut waters tomatoes"
_NAMES = {ARCHIVE: "Match archive", NEWS: "Breaking news", TALKS: "Interviews"}
_MODELS = {ARCHIVE: "marengo3.0", NEWS: "marengo3.0", TALKS: "marengo2.7"}
_OUTAGE, _BACKFILL = range(150, 190), range(20)
"""Minutes ago."""
_WORDS = (
    "We are floating above the greenhouse module, and the lamps have just come on.",
    "",
    "An astronaut waters tomatoes with a syringe, one drop for each root.",
    "They taste of home, she says, and everybody laughs.",
    "",
    "Behind the window the sun rises for the ninth time today.",
    "Every plant has a number, and a diary that the crew writes.",
    "",
)


def _at(seconds_ago: float) -> str:
    return timestamps.text(NOW - seconds_ago)


async def _fill(ledger: SqliteCheckpointStore) -> None:
    await _index(ledger, ARCHIVE, [_stored(ARCHIVE, "match", number) for number in range(1248)], ended_ago=900)
    news = [_stored(NEWS, "news", number) for number in range(512)]
    news += [row(f"news-{n:04}", opened=True, listed=_listed("news", n)) for n in range(512, 516)]
    news += [_planned("news", number) for number in range(516, 856)]
    await _index(ledger, NEWS, news, ended_ago=7200, waiting=6)
    talks = [_stored(TALKS, "interview", number) for number in range(93)] + _failed()
    gone = [f"interview-{number:04}" for number in (11, 12, 40)]
    because = "3 deletes within 24 hours exceed the limit of 2"
    withheld = [Problem(it, "withheld", "withheld", because, f"{it}.mp4") for it in gone]
    report: dict[str, Any] = {"withheld": 3, "withheld_because": because, "problems": [asdict(it) for it in withheld]}
    await _index(ledger, TALKS, talks, ended_ago=1500, **report)
    chance = random.Random(7)  # noqa: S311  invented lags, the same each time
    for ago in range(360, 0, -1):
        await _minute(ledger, ARCHIVE, ago, 4 + 3 * math.sin(ago / 40) + chance.random() * 3, 1 + ago % 2)
        outage = 80 if ago in _OUTAGE else 0
        await _minute(ledger, NEWS, ago, 9 + outage + chance.random() * 8, 6 if ago in _BACKFILL else 1)


async def _index(
    ledger: SqliteCheckpointStore,
    index_id: str,
    rows: Sequence[Checkpoint],
    *,
    ended_ago: float,
    waiting: int = 0,
    **more: Any,
) -> None:
    state = IndexState(
        first_cycle_at=1.0,
        canary_at=1.0,
        index_name=_NAMES[index_id],
        model=_MODELS[index_id],
        listed_at=NOW - ended_ago,
        pending=frozenset(f"waiting-{number}" for number in range(waiting)),
    )
    await ledger.adopt(index_id, rows, state)
    report = CycleReport(
        index_id,
        _NAMES[index_id],
        _MODELS[index_id],
        listed=len(rows),
        complete=True,
        duration_sec=12.6,
        waiting=waiting,
    )
    await ledger.save_report(index_id, {**asdict(report), **more}, kind="full cycle", ended_at=NOW - ended_ago)


async def _minute(ledger: SqliteCheckpointStore, index_id: str, ago: int, lag: float, assets: int) -> None:
    minute = Minute(int(NOW // 60) - ago, assets, assets * 46, assets, lag * assets, lag * 1.6)
    await ledger.add_minute(index_id, minute)


def _stored(index_id: str, kind: str, number: int) -> Checkpoint:
    collection = f"twelvelabs-{_MODELS[index_id]}"
    facts = applied(at=NOW - 4000 - number, points=40 + number % 13, collection=collection)
    return row(f"{kind}-{number:04}", facts, listed=_listed(kind, number))


def _listed(kind: str, number: int) -> Any:
    return asset(f"{kind}-{number:04}", filename=f"{kind}-{number:04}.mp4")


def _planned(kind: str, number: int) -> Checkpoint:
    return replace(row(f"{kind}-{number:04}", listed=_listed(kind, number)), priority=Priority.BACKLOG)


def _failed() -> list[Checkpoint]:
    malformed = "retrieve asset: segment 3 has a null vector. Re-index the asset at TwelveLabs"
    common: dict[str, Any] = {
        "code": "malformed_asset",
        "reason": malformed,
        "tried_at": NOW - 240,
        "since": NOW - 5400,
        "due": NOW + 560,
    }
    tries = [("interview-0093", 2), ("interview-0094", 3), ("interview-0095", 5)]
    return [row(name, attempt=attempt(attempts=count, **common), listed=asset(name)) for name, count in tries]


def _live() -> dict[str, Any]:
    plain = {"planned": 0, "done": 0, "failures_in_a_row": 0, "error": None, "lag_sec": 4.2}
    times = {"next_poll_at": _at(-42), "next_cycle_at": _at(-2700), "poll_interval_sec": 60.0, "checked_at": _at(18)}
    return {
        "version": "0.1.0",
        "pid": 1,
        "started_at": _at(90_000),
        "limited_by": "source",
        "state": "running",
        "indexes": {
            ARCHIVE: {**plain, **times, "doing": "waiting"},
            NEWS: {**plain, **times, "doing": "full cycle", "planned": 400, "done": 56},
            TALKS: {**plain, **times, "doing": "waiting"},
        },
    }


def _segments() -> tuple[StoredSegment, ...]:
    """Of a video of four minutes: some are silent, some are dark."""
    bounds = [round(5.4 * number, 1) for number in range(45)]
    options = (
        ("visual", "audio", "transcription"),
        ("visual", "audio"),
        ("visual", "audio", "transcription"),
        ("visual",),
    )
    return tuple(
        StoredSegment(
            start, end, "clip", options[n % 4] if _WORDS[n % 8] else options[3 if n % 3 else 1], _WORDS[n % 8]
        )
        for n, (start, end) in enumerate(pairwise(bounds))
    )


def _asset() -> AssetView:
    times = {"applied_at": _at(5400), "shallow_at": _at(5400), "deep_at": _at(90_000)}
    prints = {
        "fingerprint": "9f2c41d07a6be813",
        "revision": "c7d0a4e1b2583f96",
        "metadata_revision": "58b1e20f7c94ad36",
    }
    collection = "twelvelabs-marengo3.0"
    facts = {"created_at": _at(400_000), "indexed_at": _at(399_000), "duration_sec": 237.6, "fps": 25.0}
    size = {"width": 1920, "height": 1080, "size_bytes": 184_320_512}
    document = {
        "index_id": NEWS,
        "index_name": _NAMES[NEWS],
        "indexed_asset_id": ASSET,
        "asset_id": "66ac0000000000000000002f",
        "filename": "orbital-greenhouse.mp4",
        "model": "marengo3.0",
        "state": "applied",
        "priority": None,
        "collections": [collection],
        "applied": {**prints, **times, "points": len(_segments()), "collection": collection},
        "attempt": None,
        "listed": {"status": "ready"},
        "delete": None,
        "withheld_because": None,
        "facts": {**facts, **size},
        "user_metadata": {"desk": "science", "licence": "in-house", "batch": 42},
        "qdrant": {"error": None, "points": len(_segments()), "truncated": False},
    }
    return AssetView(document, _segments())


def _hit(score: float, name: str, start: float, index_id: str, words: str, **similarities: float) -> Hit:
    asset_id = ASSET if name.startswith("orbital") else f"{name}-id"
    found = tuple(similarities)
    return Hit(score, index_id, _NAMES[index_id], asset_id, name, start, start + 5.4, found, words, similarities)


def _found() -> list[ModelMoments]:
    newer = (
        _hit(1.5, "orbital-greenhouse.mp4", 10.8, NEWS, _WORDS[2], visual=0.61, audio=0.34, transcription=0.78),
        _hit(1.083, "orbital-greenhouse.mp4", 16.2, NEWS, _WORDS[3], visual=0.52, transcription=0.49),
        _hit(0.533, "news-0188.mp4", 64.8, NEWS, "The tomatoes are ripe, the gardener says.", transcription=0.44),
    )
    older = (_hit(0.5, "interview-0007.mp4", 421.2, TALKS, "On the station I missed my garden.", audio=0.31),)
    return [
        ModelMoments("marengo3.0", "twelvelabs-marengo3.0", True, newer),
        ModelMoments("marengo2.7", "twelvelabs-marengo2.7", True, older),
    ]


@asynccontextmanager
async def showcase(directory: Path) -> AsyncIterator[str]:
    """Serve the pages on a loopback port; yield the address. The ledger is made in `directory`."""

    async def reasons() -> dict[str, str]:
        return {}

    async def status(_: object) -> dict[str, Any]:
        return {}

    async def one(_: str, indexed_asset_id: str) -> AssetView | None:
        return _asset() if indexed_asset_id == ASSET else None

    async def find(*_: object) -> list[ModelMoments]:
        return _found()

    async def names() -> dict[str, str | None]:
        return dict(_NAMES)

    async with SqliteCheckpointStore(directory / "ledger.sqlite3") as ledger:
        await _fill(ledger)
        site = StatusSite(ledger, lambda: NOW, _live, reasons, index_settings, asyncio.Event())
        moments = MomentSite(lambda: NOW, one, find, names)
        routes = [*moment_routes(moments), *page_routes(site)]
        app = Guard(web_app(lambda: 0.0, reasons, status, routes), "127.0.0.1")
        async with listening(app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT") as port:
            yield f"http://127.0.0.1:{port}"
