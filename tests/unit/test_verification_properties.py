"""Whatever is wrong: no drift goes unnoticed, and a repair marks only what differs."""

from dataclasses import replace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from connector.domain.holding import Holdings, add_points
from connector.domain.ledger_model import Checkpoint
from connector.domain.verification import find_drift, marks, with_repairs
from tests.builders import COLLECTION, MODEL, POINT_CONFIG, asset, row, snapshot
from tests.unit.plan_cases import POLICY, PRINT, STATE
from tests.unit.test_verification import APPLIED, OTHER, POINTS

NAMES = ("a", "b", "c")
PLACES = (COLLECTION, OTHER)
CHANGES: list[dict[str, Any]] = [
    {"revision": "x"},
    {"filename": "x"},
    {"asset_points": 9},
    {"segment": 9},
    {"embedding_model": "marengo2.7"},
    {"fingerprint": None},
]
points_of_an_asset = st.fixed_dictionaries(
    {
        "kept": st.sets(st.integers(0, 4)),
        "doubled": st.sets(st.integers(0, 4), max_size=1),
        "changed": st.dictionaries(st.integers(0, 4), st.sampled_from(CHANGES), max_size=2),
        "place": st.sampled_from(PLACES),
    }
)
rows = st.sampled_from(["none", "closed", "opened", "empty"])
worlds = st.fixed_dictionaries(
    {name: st.tuples(st.sampled_from(["ready", "indexing", "absent"]), rows, points_of_an_asset) for name in NAMES}
)
AS_WRITTEN: dict[str, Any] = {"kept": set(range(5)), "doubled": set(), "changed": {}, "place": COLLECTION}


def payloads(name: str, how: dict[str, Any]) -> list[dict[str, Any]]:
    """The metadata revision is the one of asset `a`, whose id it covers: so only `a` is as it was written."""
    points = [{**it, "indexed_asset_id": name} for it in POINTS]
    kept = [{**points[place], **how["changed"].get(place, {})} for place in sorted(how["kept"])]
    return [*kept, *(points[place] for place in how["doubled"])]


def rows_of(world: dict[str, Any]) -> dict[str, Checkpoint]:
    return {
        name: row(name, None if kind == "empty" else APPLIED, opened=kind == "opened")
        for name, (_, kind, _) in world.items()
        if kind != "none"
    }


def held(world: dict[str, Any]) -> dict[str, Holdings]:
    found: dict[str, Holdings] = {place: {} for place in PLACES}
    for name, (_, _, how) in world.items():
        add_points(found[how["place"]], payloads(name, how), MODEL)
    return found


def is_as_written(name: str, how: dict[str, Any]) -> bool:
    points = payloads(name, how)
    same = len(points) == len(POINTS) and all(point in POINTS for point in points)
    twice = how["doubled"] & how["kept"]
    return same and not twice and how["place"] == COLLECTION


@given(worlds)
@example(dict.fromkeys(NAMES, ("ready", "closed", {**AS_WRITTEN, "kept": {0, 1, 3, 4}, "doubled": {2}})))
def test_every_drift_is_found_and_nothing_else(world: dict[str, Any]) -> None:
    snap = snapshot(*(asset(name, status) for name, (status, _, _) in world.items() if status != "absent"))

    named = {it.indexed_asset_id for it in find_drift(snap, rows_of(world), held(world), POINT_CONFIG)}

    for name, (status, kind, how) in world.items():
        points = payloads(name, how)
        if kind == "closed":
            sound = (
                status != "absent" and is_as_written(name, how) and (status != "ready" or APPLIED.fingerprint == PRINT)
            )
        else:
            sound = kind in ("none", "empty") and not points and status == "indexing"
            sound = sound or (kind == "none" and not points and status == "absent")
        if name == "a" or not sound:
            assert (name in named) is not sound, (name, world[name])


@given(worlds, st.booleans())
def test_marks_open_the_rows_of_findings_and_no_others(world: dict[str, Any], complete: bool) -> None:
    listed = (asset(name, status) for name, (status, _, _) in world.items() if status != "absent")
    snap, before, stored = snapshot(*listed, complete=complete), rows_of(world), held(world)
    found = find_drift(snap, before, stored, POINT_CONFIG)

    after = marks(found, before).of(before)

    named = {it.indexed_asset_id for it in found}
    assert {name for name in after if after[name] != before.get(name)} <= named
    for name in after.keys() & named:
        places = {place for place in PLACES if name in stored[place]}
        assert before.get(name) == after[name] or (after[name].opened and places <= after[name].collections)
    for place in PLACES:
        assert stored[place].keys() <= after.keys(), "every point has a row from now on"


@given(worlds, st.booleans(), st.sampled_from(["sync", "keep"]))
def test_a_repair_never_deletes_a_listed_asset(world: dict[str, Any], complete: bool, mode: Any) -> None:
    listed = [asset(name, status) for name, (status, _, _) in world.items() if status != "absent"]
    snap, before = snapshot(*listed, complete=complete), rows_of(world)
    found = find_drift(snap, before, held(world), POINT_CONFIG)
    policy = replace(POLICY, delete_mode=mode, refresh=None, max_deletes=9)

    completed = with_repairs(found, snap, before, STATE, POINT_CONFIG, policy)

    deleted = {it.indexed_asset_id for it in completed if it.repair in ("delete", "forget")}
    assert deleted & {it.indexed_asset_id for it in listed} == set()
    assert complete or not deleted
    assert mode == "sync" or "delete" not in {it.repair for it in completed}
