"""Holds and faults: requests that wait for a release, and injected errors."""

import asyncio
import random
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from connector.simulator.api.patterns import Pattern, ReceivedCall
from connector.simulator.world.scenario import FaultSpec

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?|")
_FRAMING = frozenset({"content-length", "transfer-encoding"})

Stage = Literal["request", "response"]
Rewrite = Callable[[Any], Any]


class Hold:
    """Stops the nth matching request until `release()`. Works from any thread and any event loop."""

    def __init__(self, pattern: Pattern, nth: int, stage: Stage) -> None:
        self._pattern = pattern
        self._left = nth
        self._stage = stage
        self._reached: Future[ReceivedCall] = Future()
        self._released: Future[None] = Future()

    async def reached(self) -> ReceivedCall:
        """Wait until the request is held."""
        return await asyncio.shield(asyncio.wrap_future(self._reached))

    def wait_reached(self, timeout: float = 30.0) -> ReceivedCall:
        """Block until the request is held. Raises TimeoutError after `timeout` seconds."""
        return self._reached.result(timeout)

    @property
    def is_reached(self) -> bool:
        return self._reached.done()

    @property
    def is_over(self) -> bool:
        return self._released.done()

    def release(self) -> None:
        """Let the request continue; if it has not arrived yet, remove the hold. May be called repeatedly."""
        if not self._released.done():
            self._released.set_result(None)

    def takes(self, call: ReceivedCall, stage: Stage) -> bool:
        """Count the request if it matches; return True for the nth."""
        if stage != self._stage or self._released.done() or not self._pattern.matches(call):
            return False
        self._left -= 1
        return self._left == 0

    async def wait_released(self, call: ReceivedCall) -> None:
        self._reached.set_result(call)
        await asyncio.shield(asyncio.wrap_future(self._released))


@dataclass(frozen=True, slots=True)
class Fault:
    """`delay` is in seconds before processing the request, `slow` in seconds for sending the body.

    `cut_at` is the share of the body that is sent; `rewrite` changes the decoded JSON body of a normal answer.
    """

    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_at: float | None = None
    delay: float = 0.0
    slow: float = 0.0
    drop: bool = False
    rewrite: Rewrite | None = None


@dataclass(slots=True)
class _Rule:
    pattern: Pattern
    fault: Fault
    left: int | None
    probability: float


class FaultBoard:
    """Holds and faults. Random faults use the scenario's seed, in request order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  faults must repeat, not surprise
        self._rules: list[_Rule] = []
        self._holds: list[Hold] = []
        self._lock = threading.Lock()

    def hold(self, pattern: str, nth: int, stage: Stage) -> Hold:
        if nth < 1:
            raise ValueError(f"hold nth={nth}: the first matching request is 1")
        hold = Hold(Pattern.parse(pattern), nth, stage)
        with self._lock:
            self._holds = [other for other in self._holds if not other.is_over]
            self._holds.append(hold)
        return hold

    def inject(self, spec: FaultSpec, rewrite: Rewrite | None = None) -> None:
        """Raises ValueError for an invalid pattern or invalid headers."""
        for name, value in spec.headers.items():
            if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING or not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"headers: {name!r} with the value {value!r} cannot be sent")
        facts = {fact.name: getattr(spec, fact.name) for fact in fields(Fault) if fact.name != "rewrite"}
        rule = _Rule(Pattern.parse(spec.match), Fault(rewrite=rewrite, **facts), spec.count, spec.probability)
        with self._lock:
            self._rules = [other for other in self._rules if other.left != 0]
            self._rules.append(rule)

    def clear(self) -> None:
        """Remove all faults and release all holds."""
        with self._lock:
            self._rules.clear()
            holds, self._holds = self._holds, []
        for hold in holds:
            hold.release()

    def take(self, call: ReceivedCall) -> Fault | None:
        """The first matching fault that is not used up."""
        with self._lock:
            for rule in self._rules:
                if rule.left == 0 or not rule.pattern.matches(call):
                    continue
                if rule.probability < 1.0 and self._random.random() >= rule.probability:
                    continue
                if rule.left is not None:
                    rule.left -= 1
                return rule.fault
        return None

    async def pause(self, call: ReceivedCall, stage: Stage) -> None:
        with self._lock:
            holds = [hold for hold in self._holds if hold.takes(call, stage)]
        for hold in holds:
            await hold.wait_released(call)
