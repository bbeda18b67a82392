"""What the running task works on, for whoever describes what happens in it: log lines carry it."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Activity:
    """A cycle over an index, and the asset of the change that is carried out."""

    index_id: str
    index_name: str | None = None
    cycle_id: str | None = None
    indexed_asset_id: str | None = None


ACTIVITY: ContextVar[Activity | None] = ContextVar("activity", default=None)
