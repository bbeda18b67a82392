"""Applied assets are retrieved again in time, spread evenly, and never more of them than the quota allows."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.last_seen import last_seen, noted
from connector.domain.ledger_model import Applied, Checkpoint, IndexState
from connector.domain.refresh import Due, RefreshPolicy, canary_checked, due, refresh_quota, refreshable, spread
from connector.domain.source_model import Index
from tests.builders import applied, attempt, row

HOUR, DAY = 3600.0, 86_400.0
POLICY = RefreshPolicy(interval=DAY, deep_interval=30 * DAY)
NOW = 1000 * DAY
NO_CANARY = IndexState(first_cycle_at=0.0, canary_at=NOW)
NAMES = [f"asset-{number}" for number in range(1000)]


def seen(shallow: float, deep: float | None = None) -> Applied:
    """The time this many seconds ago."""
    return replace(applied(), shallow_at=NOW - shallow, deep_at=NOW - (shallow if deep is None else deep))


@pytest.mark.parametrize(
    ("shallow", "deep", "expected"),
    [
        (0.0, 0.0, []),
        (0.5 * DAY - 1, DAY, []),
        (DAY, DAY, [Due("a", deep=False)]),
        (DAY, 15 * DAY - 1, [Due("a", deep=False)]),
        (DAY, 30 * DAY, [Due("a", deep=True)]),
        (0.0, 30 * DAY, [Due("a", deep=True)]),
        (1000 * DAY, 1000 * DAY, [Due("a", deep=True)]),
    ],
)
def test_what_is_due(shallow: float, deep: float, expected: list[Due]) -> None:
    """A deep refresh includes the metadata, so it counts as a shallow one too."""
    assert due({"a": seen(shallow, deep)}, NO_CANARY, POLICY, NOW) == expected


def test_right_after_a_sync_nothing_is_due() -> None:
    facts = {name: seen(0.0) for name in NAMES}
    assert due(facts, IndexState(first_cycle_at=0.0, canary_at=NOW), POLICY, NOW) == []


def test_nothing_is_due_where_nothing_is_applied() -> None:
    assert due({}, IndexState(0.0, canary_at=0.0, deep_due_since=NOW), POLICY, NOW) == []


def test_an_asset_is_due_at_its_own_share_of_the_interval() -> None:
    at = spread("a") * DAY
    assert due({"a": seen(at - 1, 0.0)}, NO_CANARY, POLICY, NOW) == []
    assert due({"a": seen(at + 1, 0.0)}, NO_CANARY, POLICY, NOW) == [Due("a", deep=False)]


@given(st.text())
def test_every_share_is_at_least_half_and_less_than_one(name: str) -> None:
    assert 0.5 <= spread(name) < 1
    assert spread(name) == spread(name)


def test_shares_are_spread_evenly() -> None:
    """A thousand assets applied at once fall due in ten equal parts of half an interval."""
    parts = Counter(int((spread(name) - 0.5) * 20) for name in NAMES)
    assert sorted(parts) == list(range(10))
    assert 60 < min(parts.values()) <= max(parts.values()) < 140


def test_assets_applied_at_once_never_fall_due_at_once() -> None:
    facts = {name: seen(0.75 * DAY, 0.0) for name in NAMES}
    assert 400 < len(due(facts, NO_CANARY, POLICY, NOW)) < 600


def test_the_longest_overdue_come_first_within_the_quota() -> None:
    facts = {"late": seen(3 * DAY, 0.0), "latest": seen(9 * DAY, 0.0), "recent": seen(DAY, 0.0), "not": seen(0.0)}
    found = due(facts, NO_CANARY, replace(POLICY, quota=2), NOW)
    assert [it.indexed_asset_id for it in found] == ["latest", "late"]


@pytest.mark.parametrize("quota", [0, 1, 3])
def test_the_quota_counts_the_canary(quota: int) -> None:
    facts = {name: seen(9 * DAY) for name in NAMES[:10]}
    found = due(facts, IndexState(0.0, canary_at=0.0), replace(POLICY, quota=quota), NOW)
    assert len(found) == quota
    assert [it.canary for it in found] == [True, False, False][:quota]


@pytest.mark.parametrize(
    ("assets", "period", "share"),
    [(0, 60.0, 0), (1, 60.0, 1), (1440, 60.0, 3), (1441, 60.0, 4), (100, HOUR, 13), (10, DAY, 30), (10, 9 * DAY, 30)],
)
def test_a_cycle_may_do_three_times_its_share(assets: int, period: float, share: int) -> None:
    """A backlog after a long downtime is worked off gradually, never at once."""
    assert refresh_quota(assets, period, DAY) == share


def test_the_canary_is_the_asset_longest_not_retrieved_with_vectors() -> None:
    facts = {"a": seen(0.0, 3 * DAY), "b": seen(0.0, 9 * DAY), "c": seen(0.0, HOUR)}
    state = IndexState(0.0, canary_at=NOW - DAY)
    assert due(facts, state, POLICY, NOW) == [Due("b", deep=True, canary=True)]


@pytest.mark.parametrize(("deep_ago", "count"), [(DAY, 1), (DAY - 1, 0)])
def test_there_is_no_canary_if_all_assets_were_retrieved_with_vectors_within_the_interval(
    deep_ago: float, count: int
) -> None:
    facts = {"a": seen(0.0, deep_ago), "b": seen(0.0, HOUR)}
    assert len(due(facts, IndexState(0.0, canary_at=0.0), POLICY, NOW)) == count


def test_there_is_one_canary_in_an_interval() -> None:
    facts = {"a": seen(0.0, 3 * DAY)}
    assert due(facts, IndexState(0.0, canary_at=NOW - DAY + 1), POLICY, NOW) == []


def test_the_canary_is_not_due_twice() -> None:
    found = due({"a": seen(99 * DAY), "b": seen(90 * DAY)}, IndexState(0.0, canary_at=0.0), POLICY, NOW)
    assert found == [Due("a", deep=True, canary=True), Due("b", deep=True)]


def test_a_deep_order_makes_everything_older_due() -> None:
    """The canary's vectors differ from the applied ones; assets retrieved since then are not retrieved again."""
    state = replace(NO_CANARY, deep_due_since=NOW - HOUR)
    facts = {"before": seen(0.0, 2 * HOUR), "after": seen(0.0, HOUR - 1)}
    assert due(facts, state, POLICY, NOW) == [Due("before", deep=True)]


def test_a_deep_order_does_not_put_off_what_was_due_before() -> None:
    state = replace(NO_CANARY, deep_due_since=NOW - HOUR)
    facts = {"ordered": seen(0.0, 2 * HOUR), "overdue": seen(0.0, 40 * DAY)}
    assert due(facts, state, replace(POLICY, quota=1), NOW) == [Due("overdue", deep=True)]


@given(st.permutations(NAMES[:20]), st.integers(0, 25))
def test_the_order_does_not_depend_on_the_ledgers(names: list[str], quota: int) -> None:
    facts = {name: seen(int(name[6:]) * 0.1 * DAY) for name in names}
    state, policy = IndexState(0.0, canary_at=0.0), replace(POLICY, quota=quota)
    assert due(facts, state, policy, NOW) == due(dict(sorted(facts.items())), state, policy, NOW)


def test_a_new_name_makes_all_metadata_due_and_no_vectors() -> None:
    state = noted(replace(NO_CANARY, index_name="old"), Index("i", "new", "marengo3.0"), NOW)
    assert (state.index_name, state.shallow_due_since) == ("new", NOW)
    assert due({"a": seen(1.0)}, state, POLICY, NOW) == [Due("a", deep=False)]
    assert due({"a": seen(0.0)}, state, POLICY, NOW) == []


def test_it_does_not_put_off_what_was_due_before() -> None:
    state = noted(replace(NO_CANARY, index_name="old"), Index("i", "new", "marengo3.0"), NOW)
    facts = {"early": seen(2 * DAY), "late": seen(1.0), "deep": seen(1.0, 40 * DAY)}
    assert due(facts, state, replace(POLICY, quota=2), NOW) == [Due("deep", deep=True), Due("early", deep=False)]


@pytest.mark.parametrize("known", [None, "same"])
def test_a_name_that_is_noted_or_the_same_makes_nothing_due(known: str | None) -> None:
    state = noted(replace(NO_CANARY, index_name=known, shallow_due_since=5.0), Index("i", "same", None), NOW)
    assert (state.index_name, state.shallow_due_since) == ("same", 5.0)


@pytest.mark.parametrize(("differs", "due_since"), [(False, 5.0), (True, NOW)])
def test_a_canary_that_differs_makes_the_index_due(differs: bool, due_since: float) -> None:
    state = replace(NO_CANARY, canary_at=1.0, deep_due_since=5.0, index_name="name")
    checked = canary_checked(state, NOW, differs=differs)
    assert checked == replace(state, canary_at=NOW, deep_due_since=due_since)


def test_an_index_of_an_earlier_release_has_no_name() -> None:
    assert last_seen("i", NO_CANARY) == Index("i", "", None)


def test_an_index_is_known_as_it_was_last_seen() -> None:
    index = Index("i", "name", "marengo3.0", ("visual", "audio"), "2027-01-01T00:00:00Z")
    assert last_seen("i", noted(NO_CANARY, index, NOW)) == index


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (row("a", applied("print")), True),
        (row("a", applied("other")), False),
        (row("a"), False),
        (row("a", applied("print"), opened=True), False),
        (row("a", applied("print"), attempt=attempt("print")), False),
    ],
)
def test_only_what_is_applied_and_untouched_is_refreshed(known: Checkpoint, expected: bool) -> None:
    assert refreshable(known, "print") is expected


def test_an_asset_is_due_at_its_very_moment() -> None:
    at = spread("a") * DAY
    deeply = replace(NO_CANARY, deep_due_since=NOW)

    assert due({"a": seen(at, 0.0)}, NO_CANARY, POLICY, NOW) == [Due("a", deep=False)]
    assert due({"a": seen(0.0, 1.0)}, deeply, POLICY, NOW) == [Due("a", deep=True)]


def test_a_mark_in_the_future_makes_nothing_due_early() -> None:
    """As after the clock was set back."""
    marked = replace(NO_CANARY, shallow_due_since=NOW + 9 * DAY, deep_due_since=NOW + 99 * DAY)

    assert due({"a": seen(1.0)}, marked, POLICY, NOW) == []
