"""Readiness probes rarely enough to spare the services, and often enough to be correct."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from connector.daemon.readiness import FRESH_SEC, Readiness
from connector.domain.errors import ConnectorError, LedgerUnavailable, Unavailable

OLDEST_SEC = 5.0


class Systems:
    """Three probes, up at first; records the time of every probe."""

    def __init__(self) -> None:
        self.now = 100.0
        self.down: dict[str, ConnectorError] = {}
        self.asked: dict[str, list[float]] = {"source": [], "sink": [], "ledger": []}
        self.takes: dict[str, float] = {}
        self.silent: set[str] = set()
        self.readiness = Readiness({name: self._probe(name) for name in self.asked}, lambda: self.now, patience=0.01)

    def _probe(self, name: str) -> Callable[[], Awaitable[object]]:
        async def probe() -> None:
            self.asked[name].append(self.now)
            await asyncio.sleep(0)
            if name in self.silent:
                await asyncio.Event().wait()
            self.now += self.takes.get(name, 0.0)
            if name in self.down:
                raise self.down[name]

        return probe

    async def reasons(self, later: float = 0.0) -> dict[str, str]:
        self.now += later
        return await self.readiness.reasons()

    @property
    def questions(self) -> int:
        return sum(len(times) for times in self.asked.values())


@pytest.fixture
def systems() -> Systems:
    return Systems()


def away(name: str) -> Unavailable:
    return Unavailable("ask", name, "connection refused", "Start it", side="sink")


async def test_nothing_is_wrong_when_all_answer(systems: Systems) -> None:
    assert await systems.reasons() == {}
    assert systems.asked == {"source": [100.0], "sink": [100.0], "ledger": [100.0]}


async def test_what_cannot_be_used_is_named_with_its_reason(systems: Systems) -> None:
    systems.down = {"sink": away("Qdrant"), "ledger": LedgerUnavailable("write ledger", "file", "disk full")}

    assert await systems.reasons() == {
        "sink": "ask Qdrant: connection refused. Start it.",
        "ledger": "write ledger file: disk full",
    }


async def test_a_fresh_observation_is_used_again(systems: Systems) -> None:
    """However often it is asked."""
    systems.down = {"sink": away("Qdrant")}
    first = await systems.reasons()
    systems.down = {}

    assert [await systems.reasons(0.5) for _ in range(8)] == [first] * 8
    assert systems.questions == 3


async def test_a_stale_one_is_not(systems: Systems) -> None:
    """It goes down and recovers without intervention."""
    assert await systems.reasons() == {}
    systems.down = {"source": away("TwelveLabs")}
    assert set(await systems.reasons(FRESH_SEC + 0.01)) == {"source"}
    systems.down = {}
    assert await systems.reasons(FRESH_SEC + 0.01) == {}


@pytest.mark.parametrize("pause", [0.1, 1.0, 3.9, 4.1, 60.0])
@pytest.mark.parametrize("takes", [0.0, 2.0, 4.0])
async def test_no_answer_rests_on_an_observation_older_than_five_seconds(
    systems: Systems, pause: float, takes: float
) -> None:
    """Even if one probe is slow: the results of the others grow old meanwhile."""
    systems.takes = {"sink": takes}
    await systems.reasons()
    systems.takes = {"source": takes}
    for _ in range(20):
        await systems.reasons(pause)
        oldest = min(times[-1] for times in systems.asked.values())
        assert systems.now - oldest <= OLDEST_SEC


async def test_many_who_ask_at_once_cause_one_question_each(systems: Systems) -> None:
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(systems.reasons()) for _ in range(10)]

    assert [task.result() for task in asking] == [{}] * 10
    assert systems.questions == 3


async def test_many_who_ask_while_one_hangs_wait_for_it_once(systems: Systems) -> None:
    """Its answer is older than what is used again, but they have waited for just that one."""
    systems.takes = {"sink": FRESH_SEC + 0.5}
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(systems.reasons()) for _ in range(10)]

    assert [task.result() for task in asking] == [{}] * 10
    assert systems.asked["sink"] == [100.0]
    assert await systems.reasons(0.1) == {}
    assert len(systems.asked["sink"]) == 2


async def test_one_that_does_not_answer_cannot_be_used(systems: Systems) -> None:
    """The others are still known."""
    systems.silent = {"sink"}
    systems.down = {"ledger": LedgerUnavailable("write ledger", "file", "disk full")}

    reasons = await systems.reasons()

    assert reasons == {"sink": "no response within 0.01 seconds", "ledger": "write ledger file: disk full"}


async def test_one_who_asked_and_went_away_leaves_nothing_half_known(systems: Systems) -> None:
    systems.readiness.patience = 60.0
    systems.silent = {"sink"}
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(systems.reasons())
        await asyncio.sleep(0)
        asking.cancel()
    systems.silent, systems.down = set(), {"sink": away("Qdrant")}

    assert set(await systems.reasons()) == {"sink"}


async def test_a_mistake_of_ours_is_not_taken_for_a_reason(systems: Systems) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as crash:
        await Readiness({"source": broken}, lambda: 0.0).reasons()
    assert crash.group_contains(ZeroDivisionError)


async def test_a_caller_who_asks_often_may_spare_one_of_them(systems: Systems) -> None:
    """A scrape does not spend a request to TwelveLabs each time, but knows Qdrant and the ledger as well as anybody."""
    for _ in range(5):
        assert await systems.readiness.reasons({"source": 60.0}) == {}
        systems.now += 15.0

    assert {name: len(times) for name, times in systems.asked.items()} == {"source": 1, "sink": 5, "ledger": 5}
    systems.now += 15.0
    assert await systems.readiness.reasons({"source": 60.0}) == {}
    assert len(systems.asked["source"]) == 2


async def test_only_a_success_may_be_that_old(systems: Systems) -> None:
    systems.down = {"source": away("TwelveLabs")}
    assert set(await systems.readiness.reasons({"source": 60.0})) == {"source"}
    systems.down, systems.now = {}, systems.now + FRESH_SEC + 0.01

    assert await systems.readiness.reasons({"source": 60.0}) == {}


async def test_others_still_get_a_fresh_answer(systems: Systems) -> None:
    await systems.readiness.reasons({"source": 60.0})
    systems.down = {"source": away("TwelveLabs")}
    systems.now += 30.0

    assert await systems.readiness.reasons({"source": 60.0}) == {}
    assert set(await systems.readiness.reasons()) == {"source"}
