"""When an index was last synced, from events and from what earlier processes left in the ledger."""

from dataclasses import replace

import pytest

from connector.domain.events import CycleEnded, Event
from connector.domain.report import CycleKind, CycleReport
from connector.telemetry.last_cycles import LastCycles

DONE = CycleReport("i", complete=True)
FAILED = replace(DONE, complete=False, error={"code": "index_gone", "message": "gone"})


class Seen:
    def __init__(self) -> None:
        self.now = 100.0
        self.last = LastCycles(lambda: self.now)

    def ends(self, kind: str, report: CycleReport, at: float) -> None:
        self.now = at
        event: Event = CycleEnded("c", kind, report)
        self.last(event)


def test_an_index_that_was_never_synced() -> None:
    ends = Seen().last.of("i")

    assert (ends.ended_at, ends.succeeded_at, ends.withheld) == ({}, {}, 0)


def test_a_failure_ends_a_cycle_and_is_no_success() -> None:
    seen = Seen()
    seen.ends(CycleKind.FULL, DONE, 1.0)
    seen.ends(CycleKind.FULL, FAILED, 2.0)
    seen.ends(CycleKind.POLL, replace(DONE, interrupted=True), 3.0)
    seen.ends(CycleKind.REFRESH, DONE, 4.0)

    ends = seen.last.of("i")
    assert (ends.ended_at, ends.succeeded_at) == ({"full_cycle": 2.0, "poll": 3.0}, {"full_cycle": 1.0})


@pytest.mark.parametrize("kind", [CycleKind.SYNC, CycleKind.FULL, CycleKind.RESUMED])
def test_every_full_cycle_counts(kind: CycleKind) -> None:
    seen = Seen()
    seen.ends(kind, DONE, 1.0)

    assert seen.last.of("i").succeeded_at == {"full_cycle": 1.0}


def test_withheld_deletes_stay_until_a_complete_listing_says_otherwise() -> None:
    seen, found = Seen(), []
    for kind, report in [
        (CycleKind.FULL, replace(DONE, withheld=7)),
        (CycleKind.POLL, replace(DONE, complete=False)),
        (CycleKind.RESUMED, DONE),
        (CycleKind.FULL, FAILED),
        (CycleKind.FULL, replace(DONE, complete=False)),
        (CycleKind.FULL, replace(DONE, complete=False, withheld=3)),
        (CycleKind.SYNC, DONE),
        (CycleKind.FULL, replace(DONE, withheld=5, interrupted=True)),
        (CycleKind.RESUMED, DONE),
        (CycleKind.FULL, replace(DONE, error=FAILED.error)),
    ]:
        seen.ends(kind, report, 1.0)
        found.append(seen.last.of("i").withheld)

    assert found == [7, 7, 7, 7, 7, 3, 0, 5, 5, 0]


def test_what_earlier_processes_did_is_taken_over() -> None:
    seen = Seen()
    seen.last.remember([("full cycle", 1.0, replace(DONE, withheld=2)), ("sync", 2.0, FAILED)])
    before = seen.last.of("i")
    found = (dict(before.ended_at), dict(before.succeeded_at), before.withheld)
    seen.ends(CycleKind.FULL, DONE, 3.0)

    assert found == ({"full_cycle": 2.0}, {"full_cycle": 1.0}, 2)
    assert seen.last.of("i").succeeded_at == {"full_cycle": 3.0}


def test_indexes_are_apart() -> None:
    seen = Seen()
    seen.ends(CycleKind.FULL, DONE, 1.0)

    assert seen.last.of("other").ended_at == {}
