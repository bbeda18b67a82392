"""Properties of every plan, whatever the listing and the ledger contain."""

from copy import deepcopy
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.fingerprint import fingerprint
from connector.domain.ledger_model import Applied, Checkpoint, IndexState
from connector.domain.plan import Plan, Refresh, Upsert, make_plan
from connector.domain.policy import Policy
from connector.domain.refresh import RefreshPolicy
from connector.domain.source_model import READY, IndexedAsset, Snapshot
from tests.builders import COLLECTION, POINT_CONFIG, applied, asset, attempt, index, row
from tests.comparing import differences

DAY = 86_400.0
NOW = 100 * DAY

Ledger = dict[str, Checkpoint]

NAMES = [f"asset-{letter}" for letter in "abcdefgh"]
MOMENTS = st.sampled_from([0.0, NOW - 40 * DAY, NOW - 2 * DAY, NOW - 1, NOW])
PRINTS = st.sampled_from([fingerprint(asset(name), POINT_CONFIG) for name in NAMES[:2]] + ["other", "of the asset"])


@st.composite
def facts(draw: st.DrawFn) -> Applied:
    return replace(applied(draw(PRINTS)), shallow_at=draw(MOMENTS), deep_at=draw(MOMENTS))


@st.composite
def checkpoints(draw: st.DrawFn, name: str) -> Checkpoint:
    """Any row that the ledger can hold; half of the fingerprints equal the asset's current one."""
    known = row(
        name,
        draw(st.none() | facts()),
        opened=draw(st.booleans()),
        attempt=draw(st.none() | st.builds(attempt, PRINTS, st.integers(0, 4), due=MOMENTS)),
        absent_since=draw(st.none() | MOMENTS),
    )
    return of_the_asset(known, fingerprint(asset(name), POINT_CONFIG))


def of_the_asset(known: Checkpoint, print_: str) -> Checkpoint:
    facts, tried = known.applied, known.attempt
    if facts and facts.fingerprint == "of the asset":
        facts = replace(facts, fingerprint=print_)
    if tried and tried.fingerprint == "of the asset":
        tried = replace(tried, fingerprint=print_)
    return replace(known, applied=facts, attempt=tried)


@st.composite
def listings(draw: st.DrawFn) -> Snapshot:
    statuses = st.sampled_from([READY, READY, READY, "indexing", "failed"])
    assets: dict[str, IndexedAsset] = {
        name: asset(name, draw(statuses)) for name in draw(st.permutations(NAMES)) if draw(st.booleans())
    }
    return Snapshot(index(), assets, draw(st.booleans()))


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    return {name: draw(checkpoints(name)) for name in draw(st.permutations(NAMES)) if draw(st.booleans())}


STATES = st.builds(IndexState, st.just(0.0), MOMENTS, MOMENTS)
POLICIES = st.builds(
    Policy,
    now=st.just(NOW),
    delete_mode=st.sampled_from(["sync", "sync", "keep"]),
    max_deletes=st.integers(0, 4),
    max_delete_ratio=st.sampled_from([0.0, 0.5, 1.0]),
    max_attempts=st.integers(1, 4),
    refresh=st.none() | st.builds(RefreshPolicy, st.just(DAY), st.just(30 * DAY), st.none() | st.integers(0, 3)),
    recent_deletes=st.integers(0, 3),
    allow_deletes=st.booleans(),
    respect_backoff=st.booleans(),
    delete_grace=st.sampled_from([0.0, 0.0, DAY, 30 * DAY]),
)
worlds = given(listings(), ledgers(), STATES, POLICIES)


def touched(made: Plan) -> list[str]:
    """Every listed asset, once for each group that contains it; the unchanged ones are only counted."""
    return [
        *(it.indexed_asset_id for it in made.upserts),
        *(it.indexed_asset_id for it in made.refreshes),
        *(it.indexed_asset_id for it in made.waiting),
        *(it.indexed_asset_id for it in made.postponed),
        *(it.indexed_asset_id for it in made.quarantined),
    ]


@worlds
def test_it_depends_on_no_order(snap: Snapshot, ledger: Ledger, state: IndexState, policy: Policy) -> None:
    other = replace(snap, assets=dict(reversed(list(snap.assets.items()))))
    again = make_plan(other, dict(reversed(list(ledger.items()))), state, POINT_CONFIG, policy)
    assert again == make_plan(snap, ledger, state, POINT_CONFIG, policy)


@worlds
def test_it_changes_nothing_that_it_is_given(snap: Snapshot, ledger: Ledger, state: IndexState, policy: Policy) -> None:
    before = deepcopy((snap, ledger))
    make_plan(snap, ledger, state, POINT_CONFIG, policy)
    assert (snap, ledger) == before


@worlds
def test_i3_a_listed_asset_is_never_deleted(snap: Snapshot, ledger: Ledger, state: IndexState, policy: Policy) -> None:
    made = make_plan(snap, ledger, state, POINT_CONFIG, policy)
    going = {it.checkpoint.indexed_asset_id for it in (*made.deletes, *made.withheld)}
    assert going.isdisjoint(snap.assets)
    assert going <= ledger.keys()


@worlds
def test_every_listed_asset_is_in_exactly_one_group(
    snap: Snapshot, ledger: Ledger, state: IndexState, policy: Policy
) -> None:
    made = make_plan(snap, ledger, state, POINT_CONFIG, policy)
    names = touched(made)
    assert len(names) == len(set(names))
    assert set(names) <= snap.assets.keys()
    assert len(names) + made.unchanged == len(snap.assets)


@worlds
def test_every_absent_row_with_points_is_deleted_withheld_or_kept_or_waits(
    snap: Snapshot, ledger: Ledger, state: IndexState, policy: Policy
) -> None:
    made = make_plan(snap, ledger, state, POINT_CONFIG, policy)
    fates = [len(made.deletes), len(made.withheld), made.kept]
    held = {name for name in ledger.keys() - snap.assets.keys() if ledger[name].may_have_points}
    waiting = {it.indexed_asset_id for it in (*made.absent, *made.pending)}
    assert sum(fates) + len(waiting) == len(held)
    assert waiting <= held
    assert {it.indexed_asset_id for it in made.forgets}.isdisjoint(held | snap.assets.keys())
    assert sum(1 for fate in fates if fate) <= 1
    assert (made.withheld_because is not None) == bool(made.withheld)


@worlds
def test_i5_nothing_is_deleted_without_proof(snap: Snapshot, ledger: Ledger, state: IndexState, policy: Policy) -> None:
    deletes = make_plan(snap, ledger, state, POINT_CONFIG, policy).deletes
    held = [it for it in deletes if it.checkpoint.collections]
    limit = max(policy.max_deletes, policy.max_delete_ratio * (len(ledger) + policy.recent_deletes))
    assert not deletes or (snap.complete and policy.delete_mode == "sync")
    assert not deletes or policy.allow_deletes or snap.assets
    assert not deletes or policy.allow_deletes or len(held) + policy.recent_deletes <= limit


@worlds
def test_a_delete_was_proven_before_its_grace_period(
    snap: Snapshot, ledger: Ledger, state: IndexState, policy: Policy
) -> None:
    """Whoever allows it. Without a complete listing no grace period begins."""
    made = make_plan(snap, ledger, state, POINT_CONFIG, policy)
    proven = [it.checkpoint.absent_since for it in (*made.deletes, *(made.withheld if snap.complete else ()))]
    if policy.delete_grace:
        assert all(at is not None and at <= NOW - policy.delete_grace for at in proven)
    else:
        assert (made.absent, made.pending) == ((), ())
    assert snap.complete or not made.absent


@worlds
def test_what_is_listed_does_not_wait(snap: Snapshot, ledger: Ledger, state: IndexState, policy: Policy) -> None:
    made = make_plan(snap, ledger, state, POINT_CONFIG, policy)
    cancelled = {it.indexed_asset_id for it in made.cancelled}
    back = {name for name in ledger.keys() & snap.assets.keys() if ledger[name].absent_since is not None}
    assert back <= cancelled
    assert cancelled.isdisjoint(it.indexed_asset_id for it in (*made.absent, *made.pending))


@worlds
def test_i4_after_it_is_carried_out_there_is_nothing_to_do(
    snap: Snapshot, ledger: Ledger, state: IndexState, policy: Policy
) -> None:
    """With an absolute limit, because the ratio depends on the ledger size, which grows with the upserts."""
    policy = replace(policy, refresh=RefreshPolicy(DAY, 30 * DAY), max_delete_ratio=0.0)
    made = make_plan(snap, ledger, state, POINT_CONFIG, policy)
    after = replace(policy, recent_deletes=policy.recent_deletes + len(made.deletes))
    again = make_plan(snap, carried_out(made, ledger), replace(state, canary_at=NOW), POINT_CONFIG, after)
    assert differences(again, upserts=(), refreshes=(), deletes=()) == {}
    assert again.withheld == made.withheld
    assert again.unchanged == made.unchanged + len(made.upserts) + len(made.refreshes)


def carried_out(made: Plan, ledger: Ledger) -> Ledger:
    """The ledger after every change succeeded."""
    changes: tuple[Upsert | Refresh, ...] = (*made.upserts, *made.refreshes)
    done = {it.indexed_asset_id: it.fingerprint for it in changes}
    gone = {row.indexed_asset_id for row in (*(it.checkpoint for it in made.deletes), *made.forgets)}
    closed = {name: row(name, applied(print_, at=NOW, collection=COLLECTION)) for name, print_ in done.items()}
    waiting = {it.indexed_asset_id: replace(it, absent_since=NOW) for it in made.absent}
    listed = {it.indexed_asset_id: replace(it, absent_since=None) for it in made.cancelled}
    return {name: known for name, known in (ledger | listed | waiting | closed).items() if name not in gone}
