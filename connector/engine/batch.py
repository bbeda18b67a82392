"""A batch: the changes that one pass has put into the queue. Counts them and collects their results."""

import asyncio
from collections.abc import Callable

from connector.domain.errors import ConnectorError, CycleError, SinkUnavailable, SourceUnavailable, TransientError
from connector.domain.report import Result

DEFERRED_IN_A_ROW = 5


class Batch:
    """Ends when every change is done, or when one of them, or a stop, ends the pass and none is in hand any more."""

    def __init__(self, on_failure: Callable[[BaseException], None], results: list[Result]) -> None:
        """`on_failure` is called with the error that ends the pass; each result is added to `results`."""
        self._on_failure, self.results = on_failure, results
        self._open = self._in_hand = self._deferred_in_a_row = 0
        self._failure: BaseException | None = None
        self._stopped = False
        self._changed = asyncio.Event()

    @property
    def ended(self) -> bool:
        return self._failure is not None or self._stopped or not self._open

    def add(self) -> None:
        self._open += 1

    def begin(self) -> None:
        self._in_hand += 1

    def done(self, result: Result) -> None:
        """DEFERRED_IN_A_ROW transient errors mean that the other side is down: they end the pass."""
        self._close()
        self.results.append(result)
        transient = result.error if isinstance(result.error, TransientError) else None
        self._deferred_in_a_row = self._deferred_in_a_row + 1 if transient else 0
        if transient and self._deferred_in_a_row >= DEFERRED_IN_A_ROW:
            self.fail(down(transient))

    def fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
            self._on_failure(error)
        self._changed.set()

    def failed(self, error: BaseException) -> None:
        """A change in hand raised this."""
        self._close()
        self.fail(error)

    def withdraw(self) -> None:
        """Another process has a change that was in hand here."""
        self._in_hand -= 1
        self.stop()

    def stop(self) -> None:
        self._stopped = True
        self._changed.set()

    async def wait(self) -> bool:
        """True if every change was carried out, False if stopped before. Raises what ended the pass."""
        while not self.ended or (self._open and self._in_hand):
            self._changed.clear()
            await self._changed.wait()
        if self._failure:
            raise self._failure
        return not self._open

    def _close(self) -> None:
        self._open, self._in_hand = self._open - 1, self._in_hand - 1
        self._changed.set()


def down(error: ConnectorError) -> ConnectorError:
    """The error of a pass that ends because the other side is down."""
    if not isinstance(error, TransientError):
        return error
    kind: type[CycleError] = SourceUnavailable if error.side == "source" else SinkUnavailable
    return kind(error.operation, error.subject, error.cause, error.advice)
