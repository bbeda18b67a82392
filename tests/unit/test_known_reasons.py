"""What the daemon depends on is asked in the background, seldom, and nobody waits for it."""

import asyncio

from connector.web.pages.known_reasons import FRESH_SEC, KnownReasons


class Side:
    """A slow service: it answers when told."""

    def __init__(self) -> None:
        self.asked, self.now = 0, 100.0
        self.answer: dict[str, str] | Exception = {"sink": "down"}
        self.answer_now = asyncio.Event()
        self.known = KnownReasons(self.ask, lambda: self.now)

    async def ask(self) -> dict[str, str]:
        self.asked += 1
        await self.answer_now.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_nobody_waits_for_a_slow_answer() -> None:
    side = Side()

    assert await side.known.get() is None
    assert await side.known.get() is None
    side.answer_now.set()
    assert await side.known.get() == {"sink": "down"}
    assert side.asked == 1


async def test_a_fast_answer_is_there_at_once() -> None:
    side = Side()
    side.answer_now.set()

    assert await side.known.get() == {"sink": "down"}


async def test_it_is_asked_again_when_the_answer_is_old() -> None:
    side = Side()
    side.answer_now.set()
    await side.known.get()
    side.answer, side.now = {}, side.now + FRESH_SEC - 1
    assert (await side.known.get(), side.asked) == ({"sink": "down"}, 1)
    side.now += 1
    assert (await side.known.get(), side.asked) == ({}, 2)


async def test_an_answer_stays_for_an_instant_until_there_is_a_new_one() -> None:
    side = Side()
    side.answer_now.set()
    await side.known.get()
    side.answer, side.now = {}, side.now + FRESH_SEC
    side.answer_now.clear()
    assert await side.known.get() == {"sink": "down"}
    side.answer_now.set()
    assert await side.known.get() == {}


async def test_an_answer_of_hours_ago_is_not_shown() -> None:
    side = Side()
    side.answer_now.set()
    await side.known.get()
    side.answer, side.now = {}, side.now + 3600
    side.answer_now.clear()
    assert await side.known.get() is None
    side.answer_now.set()
    assert await side.known.get() == {}


async def test_a_bug_in_it_disturbs_nobody() -> None:
    side = Side()
    side.answer = RuntimeError("bug")
    side.answer_now.set()

    assert await side.known.get() is None


async def test_a_daemon_that_drains_is_not_asked() -> None:
    side = Side()
    side.answer_now.set()

    assert (await side.known.get(may_ask=False), side.asked) == (None, 0)
