"""Leases of indexes, and what the writes of replicas need, over a real PostgreSQL."""

import pytest

from connector.cluster.asset_claim import AssetBusy, Fenced, LeaseLost
from connector.domain.ledger_model import IndexState
from connector.domain.priority import Priority
from tests.builders import COLLECTION, applied, asset
from tests.cluster.fencing import INDEX, NOW, Outside, Points, Replica, acting, new_job

STATE = IndexState(first_cycle_at=NOW, canary_at=NOW)


async def test_one_replica_holds_a_lease(replicas: list[Replica]) -> None:
    one, two = replicas

    assert await one.leases.take(INDEX)
    assert not await two.leases.take(INDEX)

    assert one.leases.epoch_of(INDEX) == 1
    with pytest.raises(LeaseLost, match="does not hold the lease"):
        two.leases.epoch_of(INDEX)


async def test_a_lease_that_ended_is_free_and_a_take_over_counts_its_epoch_up(
    replicas: list[Replica], outside: Outside
) -> None:
    one, two = replicas
    await one.leases.take(INDEX)
    assert await two.leases.free([INDEX, "other"]) == ["other"]
    outside.expire()

    assert await two.leases.free([INDEX, "other"]) == [INDEX, "other"]
    assert await two.leases.take(INDEX)

    assert two.leases.epoch_of(INDEX) == 2
    assert await one.leases.renew() == [INDEX]
    assert not one.leases.held


async def test_a_released_lease_is_free_at_once(replicas: list[Replica]) -> None:
    one, two = replicas
    await one.leases.take(INDEX)

    await one.leases.release(INDEX)

    assert await two.leases.take(INDEX)


async def test_a_lease_that_ended_and_that_nobody_took_is_renewed_with_its_epoch(
    replicas: list[Replica], outside: Outside
) -> None:
    one, two = replicas
    await one.leases.take(INDEX)
    outside.expire()

    assert await one.leases.renew() == []
    assert not await two.leases.take(INDEX)
    assert one.leases.epoch_of(INDEX) == 1


async def test_a_replica_stops_before_its_lease_ends_by_its_own_clock(made_ledger: str) -> None:
    now = 0.0
    replica = Replica(made_ledger, "one", clock=lambda: now)
    async with replica.transactions:
        await replica.leases.take(INDEX)
        now = 12.9
        assert replica.leases.epoch_of(INDEX) == 1
        assert replica.leases.forget_expired() == []
        now = 13.0

        with pytest.raises(LeaseLost):
            replica.leases.epoch_of(INDEX)
        assert replica.leases.forget_expired() == [INDEX]


async def test_nobody_takes_a_lease_while_a_command_has_the_whole_ledger(
    replicas: list[Replica], outside: Outside
) -> None:
    outside.own_whole_ledger()

    assert not await replicas[0].leases.take(INDEX)


async def test_only_the_holder_writes_about_an_index(replicas: list[Replica], outside: Outside) -> None:
    one, two = replicas
    await one.leases.take(INDEX)
    await one.store.adopt(INDEX, [], STATE)
    await one.store.plan(INDEX, [asset("a")], Priority.BACKLOG)
    with pytest.raises(LeaseLost):
        await two.store.plan(INDEX, [asset("b")], Priority.BACKLOG)
    outside.expire()
    await two.leases.take(INDEX)

    for write in (
        one.store.plan(INDEX, [asset("b")], Priority.BACKLOG),
        one.store.update_state(INDEX, lambda state: state),
        one.store.note_absence(INDEX, ["a"], NOW),
        one.store.forget(INDEX, "a", NOW),
        one.store.reopen(INDEX, ["a"], COLLECTION),
        one.store.save_claim(INDEX, "instance", 1),
        one.store.drop_index(INDEX),
    ):
        with pytest.raises(LeaseLost):
            await write

    assert set(await two.store.load(INDEX)) == {"a"}


async def test_a_job_that_was_taken_over_writes_nothing_more(replicas: list[Replica]) -> None:
    one, two = replicas
    await one.leases.take(INDEX)
    paused, second, points = new_job(one, "a", "r1", 1), new_job(two, "a", "r2", 1), Points()
    await paused.step(points)
    await second.step(points)

    with acting(paused.claim), pytest.raises(Fenced, match="taken over"):
        await one.store.record(INDEX, "a", applied())

    row = (await two.store.load(INDEX))["a"]
    assert (row.applied, row.attempt and row.attempt.attempts) == (None, 1)


async def test_a_job_of_an_earlier_epoch_does_not_begin(replicas: list[Replica], outside: Outside) -> None:
    one, two = replicas
    await one.leases.take(INDEX)
    outside.expire()
    await two.leases.take(INDEX)
    job = new_job(one, "a", "r1", 1)

    await job.step(Points())

    assert job.has_ended
    assert not await two.store.load(INDEX)


async def test_points_are_not_deleted_while_a_job_of_the_asset_is_outstanding(
    replicas: list[Replica], outside: Outside
) -> None:
    one, _ = replicas
    await one.leases.take(INDEX)
    outside.submit("a")

    with pytest.raises(AssetBusy, match="another replica still works on it"):
        await one.store.open(INDEX, "a", [COLLECTION])

    outside.finish("a")
    await one.store.open(INDEX, "a", [COLLECTION])
    await one.store.forget(INDEX, "a", NOW)
    assert not await one.store.load(INDEX)
    assert await one.store.deletes_since(INDEX, NOW - 1) == 1


async def test_each_job_of_an_asset_counts_an_attempt_whoever_kills_its_worker(replicas: list[Replica]) -> None:
    """The queue may give a job to one worker after the other; the ledger knows how often that was."""
    one, two = replicas
    await one.leases.take(INDEX)
    for number, replica in enumerate((one, two, one), start=1):
        await new_job(replica, "a", "same", 1).step(Points())

        row = (await one.store.load(INDEX))["a"]
        assert row.attempt
        assert row.attempt.attempts == number
