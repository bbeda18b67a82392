"""The loops of all indexes: starts and ends them with the indexes that the daemon finds, and schedules their work."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from connector.daemon.index_loop import IndexLoop
from connector.daemon.ledger_writes import LedgerWrites
from connector.daemon.schedule import Schedule
from connector.domain import timestamps
from connector.domain.events import ChangeFinished, ChangesPlanned, Event, JobReported
from connector.domain.index_settings import IndexSettings
from connector.engine.cycle import Engine
from connector.ports import CheckpointStore
from connector.settings.connector_settings import Settings


class IndexLoops:
    """`open` first; loops then run in its task group."""

    def __init__(self, settings: Settings, schedule: Schedule) -> None:
        self._settings, self._schedule = settings, schedule
        self._loops: dict[str, IndexLoop] = {}

    def observe(self, event: Event) -> None:
        if isinstance(event, ChangesPlanned | JobReported) or (isinstance(event, ChangeFinished) and not event.is_job):
            loop = self._loops.get(event.index_id)
            if loop:
                loop.observe(event)

    def open(self, group: asyncio.TaskGroup, engine: Engine, ledger: CheckpointStore, writes: LedgerWrites) -> None:
        self._group, self._engine, self._ledger, self._writes = group, engine, ledger, writes

    def get(self, index_id: str) -> IndexLoop | None:
        return self._loops.get(index_id)

    def all(self) -> list[IndexLoop]:
        return list(self._loops.values())

    def states(self, now: float) -> dict[str, dict[str, Any]]:
        """Index id -> the live state of its loop, and when it polls and lists next. `now` is the wall clock."""
        return {
            index_id: {**asdict(loop.live), "in_hand": loop.in_hand(), **self._next(loop, now)}
            for index_id, loop in self._loops.items()
        }

    def next_times(self, loop: IndexLoop, now: float) -> tuple[float | None, float | None]:
        """When it polls and lists next, in seconds since the epoch; `now` is the wall clock."""
        index_id = loop.settings.index_id
        polls = [self._schedule.due_in(f"poll {index_id}"), loop.next_poll_in()]
        cycles = [self._schedule.due_in(f"full {index_id}"), loop.next_full_in()]
        return _earliest(polls, now), _earliest(cycles, now)

    def _next(self, loop: IndexLoop, now: float) -> dict[str, str | float | None]:
        poll, cycle = self.next_times(loop, now)
        poll_sec = self._settings.timing_of(loop.settings.index_id).poll_sec
        return {"next_poll_at": _text(poll), "next_cycle_at": _text(cycle), "poll_interval_sec": poll_sec}

    def keep(self, index: IndexSettings) -> IndexLoop:
        """Start the loop of the index, unless it runs already."""
        if index.index_id not in self._loops:
            self._start(index)
        return self._loops[index.index_id]

    def drop(self, index_id: str) -> None:
        """End the loop, and remove its changes from the queue; does nothing for an unknown index."""
        loop = self._loops.pop(index_id, None)
        if loop and loop.task:
            loop.task.cancel()
            self._engine.queue.clear(index_id)
        for kind in ("poll", "refresh", "full"):
            self._schedule.forget(f"{kind} {index_id}")

    def _start(self, index: IndexSettings) -> None:
        timing = self._settings.timing_of(index.index_id)
        loop = IndexLoop(index, self._engine, self._ledger, self._writes, timing.period_sec)
        self._loops[index.index_id] = loop
        loop.task = self._group.create_task(loop.run())
        self._schedule.every(f"poll {index.index_id}", timing.poll_sec, loop.poke_poll)
        if index.refresh_period < timing.period_sec:
            self._schedule.every(f"refresh {index.index_id}", index.refresh_period, loop.poke_refresh)
        if timing.cron:
            self._schedule.cron(f"full {index.index_id}", timing.cron, loop.poke_full)
        else:
            self._schedule.every(f"full {index.index_id}", timing.reconcile_sec, loop.poke_full)


def _earliest(dues: Sequence[float | None], now: float) -> float | None:
    return min((now + due for due in dues if due is not None), default=None)


def _text(time: float | None) -> str | None:
    """To the second: the state is written only when it changes."""
    return None if time is None else timestamps.text(round(time))
