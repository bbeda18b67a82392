"""Decides when a replica stands by: when it cannot work with TwelveLabs or Qdrant, and another replica can."""

from collections.abc import Callable

RUNNING, STANDBY = "running", "standby"
"""The states of a replica: it takes part, or it stands by."""
PATIENCE_SEC = 15.0
"""As long as a lease: a replica that is killed is replaced after this time, too."""


class Standby:
    """`clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: float | None = None

    def update(self, *, can_work: bool, others_can: bool) -> bool:
        """True if this replica stands by now. Call it again and again with what is known.

        If no replica can work, none stands by: moving the work would not help.
        """
        if can_work or not others_can:
            self._since = None
            return False
        if self._since is None:
            self._since = self._clock()
        return self._clock() - self._since >= PATIENCE_SEC
