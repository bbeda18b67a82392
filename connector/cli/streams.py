"""The standard streams, made safe: closed, full, broken or unable to write a character, they end no work halfway."""

import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, Final

_STDIN, _STDOUT, _STDERR = range(3)


class Output(io.RawIOBase):
    """A descriptor whose first failure is kept for the end; what is written after that is dropped."""

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
    """In place of `sys.stdin`, `sys.stdout` and `sys.stderr` from now on."""

    def __init__(self) -> None:
        closed = _open_missing()
        self.stdout = Output(_STDOUT, OSError(errno.EBADF, "it is closed") if _STDOUT in closed else None)
        sys.stdout = _text(self.stdout, sys.stdout)
        sys.stderr = _text(Output(_STDERR), sys.stderr)
        if sys.stdin is None or _STDIN in closed:
            sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  for the life of the process
        elif isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")

    def flush(self) -> OSError | None:
        """Why standard output is incomplete, None when all of it is out; a reader who left early is no failure."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        return self.stdout.failure

    @property
    def silent(self) -> bool:
        """Nothing was printed yet."""
        self.flush()
        return not self.stdout.written


def _open_missing() -> set[int]:
    """Otherwise the next file that is opened, the ledger say, takes the place of a closed standard stream."""
    closed = set()
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            closed.add(descriptor)
            os.open(os.devnull, os.O_RDWR)
    return closed


def _text(raw: Output, before: object) -> io.TextIOWrapper:
    """In the encoding of the stream before; a character that this lacks is written as an escape."""
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=raw.isatty() or raw.fileno() == _STDERR,
    )
