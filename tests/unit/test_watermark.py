"""The source time up to which all work is done: never moves back, never beyond the source's own time."""

from dataclasses import replace

import pytest

from connector.domain.ledger_model import IndexState
from connector.domain.timestamps import epoch
from connector.domain.watermark import OVERLAP_SEC, advanced, newest_first, poll_start, recent
from tests.builders import asset
from tests.comparing import differences

T1, T2, T3 = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"
STATE = IndexState(0.0, 0.0, deep_due_since=5.0)


def watermark(before: str | None, as_of: str | None, *moments: tuple[str | None, str | None]) -> float | None:
    assets = {str(i): asset(str(i), created_at=c, updated_at=u) for i, (c, u) in enumerate(moments)}
    state = IndexState(0.0, 0.0, watermark=epoch(before) if before else None)
    return advanced(state, assets, (), (), epoch(as_of) if as_of else None).watermark


@pytest.mark.parametrize(
    ("before", "as_of", "moments", "after"),
    [
        (None, None, [], None),
        (None, T3, [(T1, None)], T1),
        (None, T3, [(T1, T2), (T1, None)], T2),
        (T1, T3, [], T1),
        (T2, T3, [(T1, T1)], T2),
        (T1, T2, [(T1, T3)], T2),
        (T3, T2, [(T1, T1)], T3),
        (T1, None, [(T1, T3)], T3),
        (T1, T3, [(None, None)], T1),
        (T1, T3, [("yesterday", "soon")], T1),
        (None, T3, [("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z")], "1970-01-01T00:00:00Z"),
        (T1, T3, [("0001-01-01T00:00:00Z", None)], T1),
        ("0001-01-01T00:00:00Z", T3, [(None, None)], "1970-01-01T00:00:00Z"),
        (T1, T3, [("9999-12-31T23:59:59.9999999Z", None)], T3),
        (T1, T3, [("9999-12-31T23:59:59-01:00", None)], T1),
    ],
)
def test_the_watermark(
    before: str | None, as_of: str | None, moments: list[tuple[str | None, str | None]], after: str | None
) -> None:
    assert watermark(before, as_of, *moments) == (epoch(after) if after else None)


@pytest.mark.parametrize("status", ["pending", "queued", "validating", "indexing"])
def test_what_is_on_its_way_is_pending(status: str) -> None:
    assets = {"a": asset("a", status), "b": asset("b"), "c": asset("c", "failed"), "d": asset("d", "unheard of")}
    assert advanced(STATE, assets, (), ("old",), None).pending == {"a", "old"}


def test_what_is_pending_no_more_is_forgotten() -> None:
    before = IndexState(0.0, 0.0, pending=frozenset({"a", "b"}))
    assert advanced(before, {"a": asset("a")}, {"a", "b"}, (), None).pending == frozenset()


def test_what_is_shown_in_another_status_is_pending_no_more() -> None:
    """Also if the source was not asked about it."""
    state = replace(STATE, pending=frozenset({"a", "b"}))
    assert advanced(state, {"a": asset("a")}, (), (), None).pending == {"b"}


def test_what_another_pass_found_meanwhile_stays_pending() -> None:
    before = IndexState(0.0, 0.0, pending=frozenset({"asked", "found by another"}))
    assert advanced(before, {}, {"asked"}, (), None).pending == {"found by another"}


def test_the_newest_asset_comes_first() -> None:
    assets = [asset("old", created_at=T1), asset("undated", created_at=None), asset("new", created_at=T3)]
    assert [it.indexed_asset_id for it in sorted(assets, key=newest_first)] == ["new", "old", "undated"]


def test_everything_else_stays() -> None:
    after = advanced(STATE, {}, (), (), None)
    assert differences(after, first_cycle_at=0.0, canary_at=0.0, deep_due_since=5.0) == {}


def test_what_does_not_settle_leaves_the_watermark_where_it_is() -> None:
    """An incomplete listing may lack rows that are older than the listed ones."""
    state = IndexState(0.0, 0.0, watermark=5.0)
    seen = {"a": asset("a", created_at="2026-03-01T09:00:00Z", status="indexing")}

    after = advanced(state, seen, (), (), None, can_advance_watermark=False)

    assert (after.watermark, after.pending) == (5.0, frozenset({"a"}))


def test_a_poll_starts_before_the_watermark() -> None:
    assert poll_start(IndexState(0.0, 0.0, watermark=1000.0)) == 1000.0 - OVERLAP_SEC
    assert poll_start(IndexState(0.0, 0.0, watermark=0.0)) == -OVERLAP_SEC
    assert poll_start(IndexState(0.0, 0.0)) is None


def test_the_next_poll_lists_again_what_is_not_older_than_the_overlap() -> None:
    at = epoch(T2)
    assets = {"at": asset("at", created_at=T1, updated_at=T2), "before": asset("before", created_at=T1, updated_at=T1)}

    assert recent(assets, IndexState(0.0, 0.0, watermark=at + OVERLAP_SEC)).keys() == {"at"}
    assert recent(assets, IndexState(0.0, 0.0, watermark=at + OVERLAP_SEC + 1)).keys() == set()


@pytest.mark.parametrize("moment", [None, "soon", "0001-01-01T00:00:00Z"])
def test_without_a_watermark_the_next_poll_lists_everything_again(moment: str | None) -> None:
    assets = {"a": asset("a", created_at=moment, updated_at=None)}

    assert recent(assets, IndexState(0.0, 0.0)) == assets
