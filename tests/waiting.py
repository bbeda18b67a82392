"""Waits for a condition in another process, with a time limit and a short polling interval."""

import threading
import time
from collections.abc import Callable

_BETWEEN_SEC = 0.02


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Raises TimeoutError, with `what`, if the condition does not become true in time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} seconds: {what}")
        pause.wait(_BETWEEN_SEC)
