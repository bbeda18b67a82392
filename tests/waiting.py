"""Waiting for a condition of another process: bounded, without a fixed pause that is too short or too long."""

import threading
import time
from collections.abc import Callable

_BETWEEN_SEC = 0.02


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Raises TimeoutError naming `what` when it has not come true in time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} seconds: {what}")
        pause.wait(_BETWEEN_SEC)
