"""When a replica stands by: it cannot reach TwelveLabs or Qdrant, and another one can."""

from collections.abc import Callable

RUNNING, STANDBY = "running", "standby"
"""The state of a replica that takes part, and of one that stands by."""
PATIENCE_SEC = 15.0
"""As long as a lease: a replica that is killed is replaced after this time, too."""


class Standby:
    """`clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: float | None = None

    def update(self, *, can_work: bool, others_can: bool) -> bool:
        """Told again and again whether this replica can work, and whether another one can: True if it stands by.

        If none can work, none stands by: moving their work would help nobody.
        """
        if can_work or not others_can:
            self._since = None
            return False
        if self._since is None:
            self._since = self._clock()
        return self._clock() - self._since >= PATIENCE_SEC
