"""Any order of the steps of three replicas, of which each may be paused at any time: the ledger stays true."""

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from connector.cluster.fenced_store import FencedStore
from tests.cluster.fencing import (
    INDEX,
    Deletion,
    Job,
    Outside,
    Points,
    Replica,
    UnfencedStore,
    check_truth,
    new_job,
)

REPLICAS, ASSETS = ("one", "two", "three"), ("a", "b")
replicas, assets, numbers = st.sampled_from(REPLICAS), st.sampled_from(ASSETS), st.integers(0, 20)


class FencingMachine(RuleBasedStateMachine):
    """`actors` have begun and not ended. A job that is begun twice was taken over from a paused replica."""

    url: str
    kind: type[FencedStore] = FencedStore

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.outside, self.points = Outside(self.url), Points()
        self.outside.clear()
        self.actors: list[Job | Deletion] = []
        self.revisions = 0
        self.runner.run(self.open())
        self.take("one")

    async def open(self) -> None:
        self.replicas = {name: Replica(self.url, name, self.kind) for name in REPLICAS}
        for replica in self.replicas.values():
            await replica.transactions.__aenter__()

    async def close(self) -> None:
        for replica in self.replicas.values():
            await replica.transactions.close()

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.runner.run(self.close())
            self.runner.close()
            self.outside.close()

    @rule(name=replicas)
    def take(self, name: str) -> None:
        """By a replica that may hold it already."""
        self.outside.expire()
        assert self.runner.run(self.replicas[name].leases.take(INDEX))

    @rule(name=replicas, asset=assets)
    def begin(self, name: str, asset: str) -> None:
        self.outside.submit(asset)
        self.revisions += 1
        self.actors.append(new_job(self.replicas[name], asset, str(self.revisions), self.outside.epoch()))

    @rule(name=replicas, asset=assets)
    def delete(self, name: str, asset: str) -> None:
        """Also by one that lost its lease and does not know it."""
        if INDEX in self.replicas[name].leases.held:
            self.actors.append(Deletion(self.replicas[name], asset))

    @precondition(lambda self: self.actors)
    @rule(number=numbers, steps=st.integers(1, 4))
    def step(self, number: int, steps: int) -> None:
        actor = self.actors[number % len(self.actors)]
        for _ in range(steps):
            if not actor.has_ended:
                self.runner.run(actor.step(self.points))
        if actor.has_ended:
            self.actors.remove(actor)
            if isinstance(actor, Job):
                self.outside.finish(actor.asset)

    @rule()
    def settle(self) -> None:
        """All that was begun ends, in the order in which it began."""
        while self.actors:
            self.step(0, 1)
        rows = self.runner.run(self.replicas["one"].store.load(INDEX))
        check_truth(rows, self.points)


def _explore(machine: type[FencingMachine], url: str, examples: int) -> None:
    class Placed(machine):  # type: ignore[misc, valid-type]
        pass

    Placed.url = url
    run_state_machine_as_test(
        Placed,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


class UnfencedMachine(FencingMachine):
    kind = UnfencedStore


def test_the_ledger_stays_true_whoever_is_paused_when(made_ledger: str) -> None:
    _explore(FencingMachine, made_ledger, 40)


def test_without_fences_the_ledger_becomes_untrue(made_ledger: str) -> None:
    """The control: the machine finds what fences prevent."""
    with pytest.raises(AssertionError, match=r"states|no row"):
        _explore(UnfencedMachine, made_ledger, 200)
