"""Reads what the overview shows of each index: a bounded number of rows, however large the index is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.domain.asset_state import AssetQuery, AssetState, state_of
from connector.domain.history import Minute, PastCycle
from connector.domain.ledger_model import Checkpoint, IndexState, Summary
from connector.domain.report import CycleReport, Problem
from connector.ledger.last_listing import decided_cycle, last_listing
from connector.ledger.rows import LedgerRow
from connector.ledger.shown_states import shown_summary
from connector.ports import CheckpointStore
from connector.web.pages.courses import first_minute
from connector.web.pages.status_site import StatusSite

_CYCLES, _PROBLEMS, _IN_HAND, _PENDING, _UNREADY = 20, 100, 12, 5, 1000


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """`live` is empty if no loop of the daemon works on the index. `cycles` are newest first."""

    index_id: str
    live: Mapping[str, Any]
    collection: str | None
    max_attempts: int
    delete_grace: float
    state: IndexState | None
    summary: Summary
    cycles: Sequence[PastCycle]
    report: CycleReport
    """Of the last full cycle; an empty one if there was none. It names the first problems only."""
    listing: CycleReport
    """Of the last listing that decided which deletes are withheld; the last one if there was none."""
    minutes: Sequence[Minute]
    problems: Sequence[Checkpoint]
    in_hand: Sequence[Checkpoint]
    pending: Sequence[Checkpoint]
    withheld: Sequence[Problem]
    unready: "Unready"


@dataclass(frozen=True, slots=True)
class Unready:
    """Assets that are not ready at the source, and have a row: those that are applied or idle, and the others."""

    applied: int = 0
    elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class OverviewFacts:
    """`not_ready` is None until it is known."""

    live: Mapping[str, Any]
    not_ready: Mapping[str, str] | None
    indexes: Sequence[IndexFacts]


class FactsReader:
    """Raises LedgerUnavailable."""

    def __init__(self, site: StatusSite) -> None:
        self._site, self._ledger = site, site.ledger
        self._unready: dict[str, tuple[object, Unready]] = {}

    async def read(self, now: float, not_ready: Mapping[str, str] | None) -> OverviewFacts:
        live = self._site.live()
        running = live["indexes"]
        index_ids = sorted({*running, *await self._ledger.known()})
        indexes = [await self._of_index(index_id, running.get(index_id, {}), now) for index_id in index_ids]
        return OverviewFacts(live, not_ready, indexes)

    async def _of_index(self, index_id: str, live: Mapping[str, Any], now: float) -> IndexFacts:
        settings, ledger = self._site.settings_of(index_id), self._ledger
        state = await ledger.state(index_id)
        summary = await shown_summary(ledger, index_id, settings.max_attempts, live.get("in_hand", ()))
        opened = AssetQuery(settings.max_attempts, AssetState.OPENED)
        cycles = await ledger.cycles(index_id, _CYCLES)
        report = checked(index_id, cycles[0].report if cycles else {})
        listing = await decided_report(ledger, index_id)
        return IndexFacts(
            index_id=index_id,
            live=live,
            collection=settings.collection_name(state.model) if state and state.model else None,
            max_attempts=settings.max_attempts,
            delete_grace=settings.delete_grace,
            state=state,
            summary=summary,
            cycles=cycles,
            report=report,
            listing=listing,
            minutes=await ledger.minutes(index_id, first_minute(now)),
            problems=await ledger.problems(index_id, _PROBLEMS),
            in_hand=(await ledger.assets(index_id, opened, _IN_HAND)).rows,
            pending=await ledger.absent(index_id, _PENDING),
            withheld=[it for it in listing.problems if it.state == "withheld"],
            unready=await self._unready_of(index_id, state, summary, settings.max_attempts),
        )

    async def _unready_of(
        self, index_id: str, state: IndexState | None, summary: Summary, max_attempts: int
    ) -> Unready:
        """Read only when it may have changed."""
        read_for = (state.pending if state else None, summary)
        known_for, found = self._unready.get(index_id, (None, Unready()))
        if known_for != read_for:
            found = await unready_assets(self._ledger, index_id, state, max_attempts)
            self._unready[index_id] = (read_for, found)
        return found


async def unready_assets(
    ledger: CheckpointStore, index_id: str, state: IndexState | None, max_attempts: int
) -> Unready:
    """Among the first of the assets that are not ready. Raises LedgerUnavailable."""
    names = sorted(state.pending)[:_UNREADY] if state else []
    rows = await ledger.rows(index_id, names) if names else {}
    states = [state_of(row, max_attempts) for row in rows.values()]
    applied = sum(it in {AssetState.APPLIED, AssetState.IDLE} for it in states)
    return Unready(applied, len(states) - applied)


async def withheld_deletes(ledger: CheckpointStore, index_id: str) -> Sequence[Problem]:
    """The deletes that the last listing withheld, as far as its report names them. Raises LedgerUnavailable."""
    last = checked(index_id, (report := (await ledger.reports()).get(index_id, {})))
    listing = await last_listing(ledger, index_id, report)
    found = last if listing is report else checked(index_id, listing)
    return [it for it in found.problems if it.state == "withheld"]


async def decided_report(ledger: CheckpointStore, index_id: str) -> CycleReport:
    """Of the last listing that decided which deletes are withheld; the last one if there was none.

    Raises LedgerUnavailable.
    """
    last, decided = await ledger.cycles(index_id, 1), await decided_cycle(ledger, index_id)
    report = checked(index_id, last[0].report if last else {})
    return checked(index_id, decided.report) if decided else report


def checked(index_id: str, report: Mapping[str, Any]) -> CycleReport:
    """Raises LedgerUnavailable for a damaged report, or one of a newer release."""
    return LedgerRow("indexes", (index_id,)).typed("report", {"index_id": index_id, **report}, CycleReport)
