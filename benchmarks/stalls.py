"""Runs the real command in this process and measures how long its event loop was blocked.

Usage: python -m benchmarks.stalls FILE ARGUMENT... writes the longest delay of a 5 ms timer, in milliseconds, to FILE.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from connector.__main__ import main

EVERY_SEC = 0.005


class _TimedPolicy(asyncio.DefaultEventLoopPolicy):
    """Every new loop has a timer; the first delays are the start and do not count."""

    longest = 0.0

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()
        loop.call_soon(self._tick, loop, loop.time())
        return loop

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.longest = max(self.longest, loop.time() - due)
        loop.call_later(EVERY_SEC, self._tick, loop, loop.time() + EVERY_SEC)


if __name__ == "__main__":
    file = Path(sys.argv.pop(1))
    policy = _TimedPolicy()
    asyncio.set_event_loop_policy(policy)
    with suppress(SystemExit):
        main()
    file.write_text(f"{1000 * policy.longest:.1f}", encoding="utf-8")
