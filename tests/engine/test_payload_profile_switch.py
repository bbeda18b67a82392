"""The payload profile is switched: payloads are rewritten, vectors are not, and a crash in between is repaired."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from connector.domain.payload_profile import DERIVED_KEYS, PayloadProfile, derived_keys
from connector.domain.points import computed_metadata_revision
from connector.domain.verification import Kind
from connector.engine.survey import CycleOptions
from tests.comparing import differences
from tests.engine.cycle_cases import NEW, retrieved
from tests.engine.drifts import first, verified
from tests.engine.world import INDEX, World

PROFILES: list[PayloadProfile] = ["none", "frameworks"]
STEPS = 60


def switch(world: World, profile: PayloadProfile) -> None:
    world.settings = replace(world.settings, payload_profile=profile)


def vectors(world: World) -> dict[str, Any]:
    points = world.sink.stored[NEW].points
    return {key: {name: it.copy() for name, it in point.vectors.items()} for key, point in points.items()}


def has_derived(world: World, name: str) -> set[bool]:
    return {set(DERIVED_KEYS) <= it.payload.keys() for it in world.points_of(name)[NEW].values()}


async def check_closed_rows(world: World) -> None:
    """What a closed row says of the metadata is true of each of its points, derived keys included."""
    for name, row in (await world.ledger.load(INDEX)).items():
        if row.applied and not row.opened:
            for point in world.points_of(name).get(row.applied.collection, {}).values():
                profile: PayloadProfile = "frameworks" if "metadata" in point.payload else "none"
                assert computed_metadata_revision(point.payload, profile) == row.applied.metadata_revision
                assert derived_keys(profile, point.payload).items() <= point.payload.items()


@pytest.mark.parametrize("profile", PROFILES)
async def test_switching_rewrites_all_payloads_and_no_vector(profile: PayloadProfile) -> None:
    world = World(payload_profile="none" if profile == "frameworks" else "frameworks")
    for name in ("a", "b"):
        world.source.add(INDEX, name)
    await world.cycle()
    before, owner = vectors(world), world.sink.stored[NEW].info.owners[INDEX]
    switch(world, profile)

    report = await world.cycle()

    assert differences(report, refreshed=2, upserted=0, points_written=6, clean=True) == {}
    assert has_derived(world, "a") == has_derived(world, "b") == {profile == "frameworks"}
    np.testing.assert_equal(vectors(world), before)
    world.check_i1_sink_equals_source()
    await check_closed_rows(world)
    assert world.sink.stored[NEW].info.owners[INDEX].settings != owner.settings
    writes = world.sink.writes
    assert differences(await world.cycle(), unchanged=2, clean=True) == {}
    assert world.sink.writes == writes


async def test_new_metadata_reaches_the_derived_keys_by_a_shallow_refresh() -> None:
    world = World(payload_profile="frameworks")
    world.source.add(INDEX, "a")
    await world.cycle()
    world.source.set_metadata(INDEX, "a", {"key": "new"})
    world.now += world.settings.refresh_interval

    report = await world.cycle()

    assert differences(report, refreshed=1, upserted=0, points_written=3, clean=True) == {}
    assert retrieved(world, "a") == 2
    assert {it.payload["metadata"]["user_metadata"]["key"] for it in world.points_of("a")[NEW].values()} == {"new"}
    world.check_i1_sink_equals_source()
    await check_closed_rows(world)


async def test_a_lost_ledger_adopts_what_has_the_profile() -> None:
    world = World(payload_profile="frameworks")
    world.source.add(INDEX, "a")
    await world.cycle()
    world.ledger = World().ledger

    report = await world.cycle()

    assert differences(report, unchanged=1, points_written=0, clean=True) == {}
    assert retrieved(world, "a") == 1


async def crashed_everywhere(profile: PayloadProfile) -> int:
    """Switch, and crash at every write; returns the number of crashes."""
    crashes = 0
    for arm in ("sink", "ledger before", "ledger after"):
        for step in range(1, STEPS):
            world = await prepared(profile)
            if arm == "sink":
                world.sink.crash_at(step)
            else:
                world.ledger.crash_at(step, after=arm.endswith("after"))
            crashed = await world.cycle_or_crash() is None
            world.sink.disarm()
            world.ledger.disarm()
            await world.check_i2_coverage_and_truth()
            await check_closed_rows(world)
            assert (await world.cycle()).clean
            world.check_i1_sink_equals_source()
            await check_closed_rows(world)
            crashes += crashed
            if not crashed:
                break
    return crashes


async def prepared(profile: PayloadProfile) -> World:
    """An applied asset, another one with new metadata, and a new one, when the profile is switched."""
    world = World(payload_profile="none" if profile == "frameworks" else "frameworks")
    for name in ("same", "patched"):
        world.source.add(INDEX, name)
    assert (await world.cycle()).clean
    world.source.add(INDEX, "new")
    world.source.set_metadata(INDEX, "patched", {"key": "value"})
    switch(world, profile)
    return world


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_crash_at_any_step_of_a_switch_is_repaired_by_the_next_cycle(profile: PayloadProfile) -> None:
    assert await crashed_everywhere(profile) > 20


@pytest.mark.parametrize("key", DERIVED_KEYS)
@pytest.mark.parametrize("value", ["other", None])
async def test_a_verify_finds_and_repairs_altered_derived_keys(key: str, value: str | None) -> None:
    world = World(payload_profile="frameworks")
    for name in ("a", "b"):
        world.source.add(INDEX, name)
    await world.cycle()
    if value is None:
        del first(world).payload[key]
    else:
        first(world).payload[key] = value

    found = await verified(world, repair=True)

    assert [(it.indexed_asset_id, it.kind, it.repaired) for it in found.findings] == [("b", Kind.ALTERED_PAYLOAD, True)]
    world.check_i1_sink_equals_source()
    assert (await verified(world, deep=True)).findings == ()


@pytest.mark.parametrize("deep", [False, True])
async def test_without_the_profile_keys_of_these_names_are_somebody_elses(world: World, deep: bool) -> None:
    first(world).payload |= {"page_content": "theirs", "document": "theirs"}

    assert (await verified(world, deep=deep)).findings == ()


async def test_another_ledger_with_another_profile_is_refused() -> None:
    world = World(payload_profile="frameworks")
    world.source.add(INDEX, "a")
    await world.cycle()
    other = World()
    other.source, other.sink = world.source, world.sink

    report = await other.engine().cycle(other.settings, CycleOptions())

    assert report.error
    assert "payload_profile frameworks, here" in report.error["message"]
