"""Safe standard streams: a closed, full or broken stream, or a character it cannot encode, never aborts the work."""

import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, Final

_STDIN, _STDOUT, _STDERR = range(3)


class Output(io.RawIOBase):
    """A file descriptor that keeps its first write error in `failure` and drops everything written after it."""

    def __init__(self, descriptor: int, failure: OSError | None = None) -> None:
        super().__init__()
        self._descriptor: Final = descriptor
        self._broken = failure
        self.failure: OSError | None = None
        self.written = 0

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.written += len(data)
        while not self.failure:
            try:
                if self._broken:
                    raise self._broken
                return os.write(self._descriptor, data)
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.failure = error
        return len(data)


class Streams:
    """Replaces `sys.stdin`, `sys.stdout` and `sys.stderr` when created."""

    def __init__(self) -> None:
        closed = _open_missing()
        self.stdout = Output(_STDOUT, OSError(errno.EBADF, "it is closed") if _STDOUT in closed else None)
        sys.stdout = _text(self.stdout, sys.stdout)
        sys.stderr = _text(Output(_STDERR), sys.stderr)
        if sys.stdin is None or _STDIN in closed:
            sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  open until the process exits
        elif isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")

    def flush(self) -> OSError | None:
        """Flush; return the error that made standard output incomplete, or None. The caller ignores EPIPE."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        return self.stdout.failure

    @property
    def silent(self) -> bool:
        """True if nothing was printed yet."""
        self.flush()
        return not self.stdout.written


def can_write() -> bool:
    """Flush; False if standard output failed. For a command that would run on without a reader."""
    raw = _flushed()
    return not (raw and raw.failure)


def reader_left() -> bool:
    """True if standard output failed, or is a pipe whose reader has exited, which then counts as a failure."""
    raw = _flushed()
    if raw is None:
        return False
    if not raw.failure:
        events = select.poll()
        events.register(raw, 0)  # errors are always reported
        if any(event & select.POLLERR for _, event in events.poll(0)):
            raw.failure = BrokenPipeError(errno.EPIPE, "the reader exited")
    return raw.failure is not None


def _flushed() -> Output | None:
    """Standard output after a flush; None if it was not replaced."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, Output) else None


def _open_missing() -> set[int]:
    """Open /dev/null for closed standard streams; otherwise the next file (the ledger) gets their descriptor."""
    closed = set()
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            closed.add(descriptor)
            os.open(os.devnull, os.O_RDWR)
    return closed


def _text(raw: Output, before: object) -> io.TextIOWrapper:
    """Keep the encoding of the replaced stream; escape characters that it cannot encode."""
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=raw.isatty() or raw.fileno() == _STDERR,
    )
