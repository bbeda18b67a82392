"""kill -9 before steps of a reindex: started again it goes on, and the alias always leads to a whole collection."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.crash.steps import Run, Runner, runner
from tests.e2e.reindex_world import OLD, ReindexWorld, reindex_world, scenario

SOAK = pytest.mark.soak
OF_START = {
    "before the alias is created": ("UpdateAliases", 1),
    "before the first commit": ("commit", 1),
    "before the first points": ("Points/Upsert", 1),
}
OF_SWITCH = {
    "before the alias moves": ("UpdateAliases", 1),
    "before the alias is read back": ("ListAliases", -1),
}


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReindexWorld]:
    small = scenario(assets=1, seconds=12.0)
    with reindex_world(qdrant_binary, tmp_path_factory.mktemp("reindex"), small) as running:
        yield running


@pytest.fixture(scope="module")
def steps(world: ReindexWorld) -> Iterator[Runner]:
    with runner(world.connector.directory, {**world.connector.settings, "CONNECTOR_CONCURRENCY": "1"}) as running:
        clean(running, "sync")
        yield running


@pytest.fixture(scope="module")
def started(steps: Runner) -> Run:
    return clean(steps, "reindex", "start", "whole", "--into", "whole", "--create-alias")


@pytest.fixture(scope="module")
def moves(steps: Runner, started: Run) -> tuple[Run, Run]:
    """There and back."""
    assert started.code == 0
    return clean(steps, "reindex", "switch", "whole"), clean(steps, "reindex", "rollback", "whole")


@pytest.fixture(scope="module")
def switched(moves: tuple[Run, Run]) -> Run:
    return moves[0]


@pytest.fixture(scope="module")
def rolled_back(moves: tuple[Run, Run]) -> Run:
    return moves[1]


def clean(steps: Runner, *arguments: str) -> Run:
    run = steps.run(*arguments)
    assert run.code == 0, (arguments, run.stdout, run.stderr)
    return run


def number_of(steps: Sequence[str], what: str, which: int) -> int:
    """The number of a step; `which` counts from 1, or back from -1."""
    found = [number for number, step in enumerate(steps, start=1) if what in step]
    return found[which - 1 if which > 0 else which]


def check_start(world: ReindexWorld, steps: Runner, name: str, number: int) -> bool:
    """Kill it before this step, then let it go on. False if it has no such step."""
    arguments = ("reindex", "start", name, "--into", name, "--create-alias")
    old = world.stored(OLD)
    killed = steps.run(*arguments, kill_before=number)
    assert world.stored(OLD).keys() == old.keys(), killed.steps

    clean(steps, *arguments)

    assert world.stored(f"{name}-marengo3.0").keys() == old.keys(), killed.steps
    assert world.alias_at(name) == OLD
    clean(steps, "sync")
    assert world.stored(OLD).keys() == old.keys(), killed.steps
    return killed.code is None


def check_switch(world: ReindexWorld, steps: Runner, number: int) -> bool:
    killed = steps.run("reindex", "switch", "whole", kill_before=number)
    assert world.alias_at("whole") in {OLD, "whole-marengo3.0"}

    clean(steps, "reindex", "switch", "whole")
    assert world.alias_at("whole") == "whole-marengo3.0"
    clean(steps, "reindex", "rollback", "whole")
    assert world.alias_at("whole") == OLD
    return killed.code is None


@pytest.mark.parametrize("when", OF_START)
def test_a_start_that_was_killed_goes_on(world: ReindexWorld, steps: Runner, started: Run, when: str) -> None:
    name = when.replace(" ", "-")

    assert check_start(world, steps, name, number_of(started.steps, *OF_START[when]))


@pytest.mark.parametrize("when", OF_SWITCH)
def test_a_switch_that_was_killed_goes_on(world: ReindexWorld, steps: Runner, switched: Run, when: str) -> None:
    assert check_switch(world, steps, number_of(switched.steps, *OF_SWITCH[when]))


@pytest.mark.parametrize("when", OF_SWITCH)
def test_a_rollback_that_was_killed_goes_on(world: ReindexWorld, steps: Runner, rolled_back: Run, when: str) -> None:
    clean(steps, "reindex", "switch", "whole")

    check_rollback(world, steps, number_of(rolled_back.steps, *OF_SWITCH[when]))


def check_rollback(world: ReindexWorld, steps: Runner, number: int) -> None:
    """The alias is at the new collection."""
    killed = steps.run("reindex", "rollback", "whole", kill_before=number)

    assert killed.code is None
    found = world.alias_at("whole")
    assert found in {OLD, "whole-marengo3.0"}
    state = json.loads(clean(steps, "reindex", "start", "whole", "--json").stdout)["state"]
    assert state == ("ready" if found == OLD else "switched"), "the alias counts, not what was done last"
    clean(steps, "reindex", "rollback", "whole")
    assert world.alias_at("whole") == OLD


@SOAK
@pytest.mark.timeout(900)
def test_killed_before_every_step(world: ReindexWorld, steps: Runner, started: Run, switched: Run) -> None:
    for number in range(1, len(started.steps) + 1):
        assert check_start(world, steps, f"every-{number}", number)
    for number in range(1, len(switched.steps) + 1):
        assert check_switch(world, steps, number)


@SOAK
@pytest.mark.timeout(900)
def test_a_rollback_killed_before_every_step(world: ReindexWorld, steps: Runner, rolled_back: Run) -> None:
    for number in range(1, len(rolled_back.steps) + 1):
        clean(steps, "reindex", "switch", "whole")
        check_rollback(world, steps, number)
