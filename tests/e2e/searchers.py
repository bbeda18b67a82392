"""Programs that search without a pause while something moves, and keep what went wrong."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.waiting import wait_until

PER_SECOND = 20


@dataclass(slots=True)
class Searcher:
    """Calls `ask` PER_SECOND times a second, or as often as it answers; `answers` are distinct ones, in order."""

    ask: Callable[[], str]
    asked: int = 0
    answers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self, stopping: threading.Event) -> None:
        due = time.monotonic()
        while not stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / PER_SECOND, time.monotonic())
            try:
                answer = self.ask()
            except Exception as error:  # noqa: BLE001  the test looks at them
                self.errors.append(f"{type(error).__name__}: {error}")
            else:
                if not self.answers or self.answers[-1] != answer:
                    self.answers.append(answer)
            self.asked += 1

    def go_on(self, count: int = PER_SECOND // 2) -> None:
        """Returns when so many more questions were asked."""
        wanted = self.asked + count
        wait_until(lambda: self.asked >= wanted, 60, f"{count} more searches")

    def answers_with(self, answer: str) -> None:
        wait_until(lambda: bool(self.answers) and self.answers[-1] == answer, 60, f"searches answer with {answer}")


@contextmanager
def searching(ask: Callable[[], str]) -> Iterator[Searcher]:
    searcher, stopping = Searcher(ask), threading.Event()
    thread = threading.Thread(target=searcher.run, args=(stopping,))
    thread.start()
    try:
        yield searcher
    finally:
        stopping.set()
        thread.join()
