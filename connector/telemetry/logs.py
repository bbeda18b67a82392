"""Logs on stderr through structlog, for our own records and those of libraries: text for people, JSON for machines."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import structlog

from connector.domain.activity import ACTIVITY
from connector.domain.masking import masked
from connector.telemetry.repeats import LibraryRepeats

_QUIET = ("httpx", "httpcore", "apscheduler", "uvicorn", "grpc", "asyncio", "mcp")


def set_up(level: str = "info", style: str = "auto") -> None:
    """Configure logging. `style` is auto (text on a terminal, else JSON), console or json. Masks secrets everywhere."""
    as_text = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_activity,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    rendering: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if as_text
        else [structlog.processors.ExceptionRenderer(tracebacks), structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _without_colour, *rendering, _masked],
    )
    handler = _Stderr()
    handler.setFormatter(formatter)
    handler.addFilter(LibraryRepeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def set_up_once() -> None:
    """Configure logging with the defaults, unless it is configured."""
    if not structlog.is_configured():
        set_up()


@contextmanager
def beside_progress() -> Iterator[None]:
    """Hide records below warning, and those that the report at the end repeats. Level debug still shows all."""
    root = logging.getLogger()
    before, handlers = root.level, list(root.handlers)
    if before == logging.DEBUG:
        yield
        return
    root.setLevel(max(before, logging.WARNING))
    for handler in handlers:
        handler.addFilter(_not_reported)
    try:
        yield
    finally:
        root.setLevel(before)
        for handler in handlers:
            handler.removeFilter(_not_reported)


def _not_reported(record: logging.LogRecord) -> bool:
    from connector.telemetry.event_log import REPORTED  # noqa: PLC0415  slow, and most commands have no progress

    return not (isinstance(record.msg, dict) and record.msg.get("event") in REPORTED)


class _Stderr(logging.StreamHandler[Any]):
    """Looks up `sys.stderr` for each record, because a progress bar replaces it while shown."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name in `logging`
        """Write the text of a record that cannot be formatted. `logging` would print its arguments, unmasked."""
        if isinstance(record, _Unformatted):
            return
        text = record.msg if isinstance(record.msg, str) else "a record that cannot be formatted"
        self.emit(_Unformatted(record.name, record.levelno, record.pathname, record.lineno, text, None, None))


class _Unformatted(logging.LogRecord):
    """The second try, which is the last one."""


def _with_activity(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say which index, cycle and asset the running task works on, unless the record says so itself."""
    activity = ACTIVITY.get()
    facts = asdict(activity) if activity else {}
    return {**{key: value for key, value in facts.items() if value is not None}, **event}


def _without_colour(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event.pop("color_message", None)
    return event


def _masked(_: Any, __: str, rendered: Any) -> str:
    """Runs last, so that it also masks text from libraries."""
    return masked(str(rendered))
