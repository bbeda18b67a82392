"""Scans the bodies of long assets in a process of its own, on another core than the event loop.

The interpreter lock would let the event loop wait for the scanner. The process gets one body after the other over its
standard input and returns the asset, with its arrays as they are in memory, over its standard output.
"""

import os
import pickle
import select
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader, BufferedWriter
from typing import cast

from connector.domain.mapped_memory import mapped
from connector.domain.source_model import RetrievedAsset
from connector.twelvelabs.calls import Call
from connector.twelvelabs.response_body import ResponseBody

READY = b"+"
# Without a body that was scanned in between: it cannot start here, or each body ends it.
_MOST_STARTS = 3
_MAPPED_FROM = 1024 * 1024
# The directory of the caller must not decide what is imported, so the path is that of this process.
_PROGRAM = """
import os, sys
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would start threads that nothing uses
sys.path[:] = sys.argv.pop().split("\\n")
from connector.twelvelabs import scanning_worker
scanning_worker.main()
"""


class NotScannedError(Exception):
    """The process is not there, not ready yet, or has ended: scan in this process."""


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """Followed by `sizes[i]` bytes for each chunk of the body. The other fields are those of `AssetReader`."""

    asked: tuple[str, ...]
    index_model: str | None
    transcript: bool
    call: Call
    limit: int
    gzipped: bool
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScanResponse:
    """`pickled` is the asset, without the bytes of its arrays: `sizes[i]` bytes follow for each of them."""

    pickled: bytes
    size: int
    sizes: tuple[int, ...]


class ScanningProcess:
    """Starts with the first body, if not before, and again when it has ended.

    For any number of threads, one body at a time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._starts_left = _MOST_STARTS if _cores() > 1 else 0

    def start(self) -> None:
        """Start it before there is a body, if it can be started here."""
        with self._lock, suppress(OSError, NotScannedError):
            self._started()

    def scan(
        self, asked: Collection[str], index_model: str | None, body: ResponseBody, call: Call, *, transcript: bool
    ) -> RetrievedAsset | None:
        """As `AssetReader.scan`. Raises NotScannedError."""
        sizes = tuple(map(len, body.chunks))
        request = ScanRequest(tuple(asked), index_model, transcript, call, body.limit, body.gzipped, sizes)
        with self._lock:
            try:
                scanned = self._ready_worker().exchange(request, body.chunks)
            except (OSError, EOFError, ValueError, pickle.PickleError) as error:
                self._end()
                raise NotScannedError from error
            self._starts_left = self._starts_left and _MOST_STARTS
        body.size = scanned.size
        return scanned.found

    def close(self) -> None:
        """End the process, whatever it is doing. It will not start again."""
        if worker := self._worker:
            worker.process.kill()
        with self._lock:
            self._starts_left = 0
            self._end()

    def _ready_worker(self) -> "_Worker":
        """Raises NotScannedError, OSError, EOFError."""
        worker = self._started()
        # Starting takes some tenths of a second, in which the caller can do the work.
        if not worker.is_ready():
            raise NotScannedError
        return worker

    def _started(self) -> "_Worker":
        """Raises NotScannedError, OSError."""
        if self._worker is None:
            if self._starts_left <= 0:
                raise NotScannedError
            self._starts_left -= 1
            self._worker = _Worker()
        return self._worker

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker:
            worker.end()


class _Worker:
    """The started process and its pipes. For one thread at a time."""

    def __init__(self) -> None:
        """Raises OSError if it cannot be started."""
        self.process = subprocess.Popen(  # noqa: S603  this interpreter
            [sys.executable, "-P", "-c", _PROGRAM, "\n".join(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._requests = cast("BufferedWriter", self.process.stdin)
        self._responses = cast("BufferedReader", self.process.stdout)
        self._ready = False

    def is_ready(self) -> bool:
        """Raises EOFError if it has ended instead."""
        if not self._ready and select.select([self._responses], [], [], 0)[0]:
            if self._responses.read(1) != READY:
                raise EOFError
            self._ready = True
        return self._ready

    def exchange(self, request: ScanRequest, chunks: Iterable[bytes | memoryview]) -> "_Scanned":
        """Raises OSError, EOFError, ValueError, pickle.PickleError if the process ends."""
        pickle.dump(request, self._requests)
        for chunk in chunks:
            self._requests.write(chunk)
        self._requests.flush()
        response: ScanResponse = pickle.load(self._responses)  # noqa: S301  from this program
        arrays = [self._array(size) for size in response.sizes]
        return _Scanned(pickle.loads(response.pickled, buffers=arrays), response.size)  # noqa: S301  from this program

    def _array(self, size: int) -> memoryview:
        memory = memoryview(mapped(size) if size >= _MAPPED_FROM else bytearray(size))
        at = 0
        while at < size:
            read = self._responses.readinto(memory[at:])
            if not read:
                raise EOFError
            at += read
        return memory

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self._requests, self._responses):
            with suppress(OSError):
                pipe.close()


@dataclass(frozen=True, slots=True)
class _Scanned:
    found: RetrievedAsset | None
    size: int


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
