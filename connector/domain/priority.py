"""In which order changes are carried out: fresh work first."""

from contextvars import ContextVar
from enum import IntEnum


class Priority(IntEnum):
    """The lowest number first; within the backlog, the newest asset first."""

    FRESH = 0
    """Found by a poll or a webhook."""
    COMMAND = 1
    REFRESH = 2
    BACKLOG = 3
    """Found by a full cycle, or left over."""


WAITS_AS: ContextVar[Priority] = ContextVar("waits_as", default=Priority.COMMAND)
"""The priority of the running task wherever it waits with others: for a turn of the rate limit, for example."""
