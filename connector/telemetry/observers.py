"""Hands each event to several observers. One that fails disturbs neither the others nor the work."""

import structlog

from connector.domain.events import Event
from connector.ports import Observer
from connector.telemetry.repeats import Repeats

log = structlog.get_logger(__name__)


class Observers:
    def __init__(self, *observers: Observer) -> None:
        self._observers = observers
        self._failures = Repeats()

    def __call__(self, event: Event, /) -> None:
        for observer in self._observers:
            try:
                observer(event)
            except Exception:  # an observer must not disturb the work
                if self._failures.admit(type(event).__name__) is not None:
                    log.exception("observer.failed", event_type=type(event).__name__)
