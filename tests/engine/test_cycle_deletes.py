"""The deletes that a cycle carries out or withholds, and the rows that it forgets."""

import pytest

from connector.domain.errors import AssetError, Unavailable
from connector.engine import maintenance
from tests.comparing import differences
from tests.engine.cycle_cases import NEW, malformed
from tests.engine.world import INDEX, World


async def test_what_left_the_index_is_deleted(world: World) -> None:
    world.source.remove(INDEX, "b")

    report = await world.cycle()

    assert differences(report, deleted=1, clean=True) == {}
    assert world.points_of("b") == {}
    assert await world.row("b") is None


async def test_an_asset_that_is_missing_in_a_listing_but_exists_voids_all_deletes(world: World) -> None:
    """I3: a walk that looks complete can be wrong."""
    world.source.remove(INDEX, "a")
    world.source.hide(INDEX, "b")

    report = await world.cycle()

    assert (report.withheld, report.deleted) == (2, 0)
    assert "exists, but is not in the listing" in str(report.withheld_because)
    assert world.points_of("a")
    assert world.points_of("b")


@pytest.fixture
async def odd_row(world: World) -> str:
    """An asset whose id cannot be requested: a new ledger found its points in the sink, and the source lost it."""
    await world.ledger.open(INDEX, "odd/id", {NEW})
    return "odd/id"


async def test_an_id_that_cannot_be_asked_for_withholds_its_own_delete_only(world: World, odd_row: str) -> None:
    """No 404 can prove that it is gone."""
    world.source.remove(INDEX, "b")

    report = await world.cycle()

    assert differences(report, error=None, deleted=1, withheld=1) == {}
    assert "cannot confirm" in str(report.withheld_because)
    assert [(it.indexed_asset_id, it.state, it.code) for it in report.problems] == [
        (odd_row, "withheld", "malformed_asset")
    ]
    assert await world.row("b") is None
    assert await world.row(odd_row)

    await maintenance.drop(world.sink, world.ledger, world.settings, [odd_row])
    assert (await world.cycle()).clean
    assert await world.row(odd_row) is None


async def test_a_refused_question_withholds_its_own_delete_only(world: World) -> None:
    for name in ("a", "b"):
        world.source.remove(INDEX, name)
    world.source.fail_next(1, lambda: AssetError("confirm asset", "a", "TwelveLabs answered 409"), ["exists"])

    report = await world.cycle()

    assert differences(report, error=None, deleted=1, withheld=1) == {}
    assert (await world.row("a") is None, await world.row("b") is None) == (False, True)
    assert (await world.cycle()).deleted == 1


async def test_an_odd_id_that_never_had_points_comes_and_goes(world: World) -> None:
    """While listed it fails alone, and it leaves nothing behind."""
    for name in ("0 odd", "a b/c", "..", "\x00"):
        world.source.add(INDEX, name)

    report = await world.cycle()

    assert differences(report, error=None, failed=4, unchanged=3, complete=True) == {}
    for name in ("0 odd", "a b/c", "..", "\x00", "b"):
        world.source.remove(INDEX, name)
    report = await world.cycle()
    assert differences(report, error=None, withheld=0, clean=True) == {}
    assert set(await world.ledger.load(INDEX)) == {"a", "c"}
    assert world.points_of("b") == {}


async def test_a_listed_asset_with_an_odd_id_does_not_stop_deletes() -> None:
    """Whether another listed asset can be requested or it is the only one."""
    world = World()
    for name in ("0 odd", "a", "b"):
        world.source.add(INDEX, name)
    await world.cycle()
    for name in ("a", "b"):
        world.source.remove(INDEX, name)
        report = await world.cycle()
        assert differences(report, error=None, deleted=1, withheld=0, failed=1) == {}


async def test_an_incomplete_listing_upserts_and_deletes_nothing(world: World) -> None:
    world.source.remove(INDEX, "a")
    world.source.add(INDEX, "d")
    world.source.listing_complete(INDEX, complete=False)

    report = await world.cycle(allow_deletes=True)

    assert differences(report, upserted=1, withheld=1, deleted=0, complete=False) == {}
    assert world.points_of("a")


async def test_an_empty_listing_deletes_nothing_until_it_is_allowed(world: World) -> None:
    """Invariant I5."""
    for name in "abc":
        world.source.remove(INDEX, name)

    report = await world.cycle()

    assert differences(report, withheld=3, deleted=0, clean=False) == {}
    assert "empty" in str(report.withheld_because)
    assert (await world.cycle()).withheld == 3
    assert (await world.cycle(allow_deletes=True)).deleted == 3
    assert world.sink.points_of(INDEX) == {}


async def test_deletes_within_24_hours_share_one_limit() -> None:
    """One too many waits until an operator allows it, or until the others are a day old."""
    world = World(max_deletes=2, max_delete_ratio=0.0)
    for name in "abcdef":
        world.source.add(INDEX, name)
    await world.cycle()
    world.source.remove(INDEX, "a")
    world.source.remove(INDEX, "b")
    assert (await world.cycle()).deleted == 2
    world.source.remove(INDEX, "c")

    over = await world.cycle()
    world.now += 24 * 3600
    next_day = await world.cycle()

    assert (over.withheld, over.deleted) == (1, 0)
    assert over.withheld_because == "3 deletes within 24 hours exceed the limit of 2"
    assert differences(next_day, withheld=0, deleted=1, clean=True) == {}


async def test_deletes_that_an_operator_allowed_do_not_use_the_limit_up() -> None:
    world = World(max_deletes=2, max_delete_ratio=0.0)
    for number in range(8):
        world.source.add(INDEX, f"asset{number}")
    await world.cycle()
    for number in range(5):
        world.source.remove(INDEX, f"asset{number}")
    assert (await world.cycle()).withheld == 5
    assert (await world.cycle(allow_deletes=True)).deleted == 5
    world.source.remove(INDEX, "asset5")
    world.source.remove(INDEX, "asset6")

    report = await world.cycle()

    assert differences(report, deleted=2, withheld=0, clean=True) == {}


async def test_a_mass_delete_never_trickles_out() -> None:
    """However long it waits and whatever is added: invariant I5."""
    world = World(max_deletes=2, max_delete_ratio=0.2)
    for number in range(14):
        world.source.add(INDEX, f"asset{number}")
    await world.cycle()
    for number in range(3):
        world.source.remove(INDEX, f"asset{number}")

    for day in range(5):
        world.source.add(INDEX, f"new{day}")
        report = await world.cycle()
        world.now += 25 * 3600
        assert (report.withheld, report.deleted) == (3, 0)
        assert report.withheld_because == "3 deletes within 24 hours exceed the limit of 2"


async def test_an_asset_that_never_had_points_is_no_delete() -> None:
    world = World(max_deletes=0, max_delete_ratio=0.0)
    world.source.add(INDEX, "x")
    world.source.fail_next(1, malformed, ["retrieve"])
    assert (await world.cycle()).failed == 1
    world.source.remove(INDEX, "x")

    report = await world.cycle()

    assert differences(report, deleted=0, withheld=0, clean=True) == {}
    assert await world.row("x") is None


async def test_an_asset_without_segments_is_no_delete_either() -> None:
    world = World(max_deletes=0, max_delete_ratio=0.0)
    world.source.add(INDEX, "x", segments=0)
    assert (await world.cycle()).upserted == 1
    world.source.remove(INDEX, "x")

    report = await world.cycle()

    assert differences(report, deleted=0, withheld=0, clean=True) == {}
    assert await world.row("x") is None


async def test_a_row_without_points_is_forgotten_only_when_the_source_confirms_it(world: World) -> None:
    world.source.add(INDEX, "x")
    world.source.fail_next(1, malformed, ["retrieve"])
    await world.cycle()
    world.source.hide(INDEX, "x")

    report = await world.cycle()

    assert differences(report, withheld=0, withheld_because=None, clean=True) == {}
    assert await world.row("x")


async def test_new_assets_do_not_let_withheld_deletes_through() -> None:
    """The limit is a share of the ledger, and the ledger grows."""
    world = World(max_deletes=0, max_delete_ratio=0.2)
    for number in range(4):
        world.source.add(INDEX, f"old{number}")
    await world.cycle()
    for number in range(4):
        world.source.remove(INDEX, f"old{number}")
    for number in range(20):
        world.source.add(INDEX, f"new{number}")

    first, second = await world.cycle(), await world.cycle()

    assert first.withheld == 4
    assert differences(second, withheld=4, deleted=0) == {}


async def test_withheld_deletes_of_assets_that_come_back_are_forgotten() -> None:
    world = World(max_deletes=0, max_delete_ratio=0.0)
    world.source.add(INDEX, "a")
    world.source.add(INDEX, "b")
    await world.cycle()
    world.source.hide(INDEX, "a")
    assert (await world.cycle()).withheld == 1
    world.source.hide(INDEX)

    assert (await world.cycle()).clean
    state = await world.ledger.state(INDEX)
    assert state
    assert state.withheld_because is None


async def test_mode_keep_never_deletes() -> None:
    world = World(delete_mode="keep")
    world.source.add(INDEX, "a")
    world.source.add(INDEX, "b")
    await world.cycle()
    world.source.remove(INDEX, "a")

    report = await world.cycle(allow_deletes=True)

    assert differences(report, kept=1, withheld=0, deleted=0, clean=True) == {}
    assert world.points_of("a")


async def test_an_index_that_is_gone_is_an_error_and_deletes_nothing(world: World) -> None:
    world.source.remove_index(INDEX)

    report = await world.cycle(allow_deletes=True)

    assert report.error
    assert report.error["code"] == "index_gone"
    assert len(world.sink.points_of(INDEX)[NEW]) == 9


async def test_an_index_that_goes_between_listing_and_delete_loses_nothing(world: World) -> None:
    """After the last 404 the index itself must still respond."""
    world.source.remove(INDEX, "a")
    world.source.fail_next(1, lambda: Unavailable("look up index", INDEX, "503", side="source"), ["exists"])

    report = await world.cycle()

    assert report.error
    assert report.error["code"] == "source_unavailable"
    assert world.points_of("a")
