"""The process at the other end of `scanning_process`. It ends when its standard input does."""

import pickle
import signal
import sys
from collections.abc import Iterator
from io import BufferedReader
from typing import IO, cast

from connector.domain.mapped_memory import keep_freed_memory
from connector.twelvelabs.asset_scanning import AssetReader
from connector.twelvelabs.response_body import ResponseBody
from connector.twelvelabs.scanning_process import READY, ScanRequest, ScanResponse


def main() -> None:
    """Only the other end decides when this process ends: an interrupt reaches both."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed_memory()
    requests, responses = cast("BufferedReader", sys.stdin.buffer), sys.stdout.buffer
    responses.write(READY)
    responses.flush()
    while requests.peek(1):
        _answer(pickle.load(requests), requests, responses)  # noqa: S301  from this program


def _answer(request: ScanRequest, requests: IO[bytes], responses: IO[bytes]) -> None:
    arriving = _chunks(requests, request.sizes)
    body = ResponseBody(request.limit, request.gzipped, sum(request.sizes), arriving=arriving)
    reader = AssetReader(request.asked, request.index_model, transcript=request.transcript)
    arrays = list[pickle.PickleBuffer]()
    try:
        pickled = pickle.dumps(reader.scan(body, request.call), protocol=5, buffer_callback=arrays.append)
    except (RecursionError, MemoryError):  # deeply nested, or too large: unusual too
        arrays.clear()
        pickled = pickle.dumps(None)
    for _ in arriving:
        pass  # what an unusual body has left
    raw = [array.raw() for array in arrays]
    pickle.dump(ScanResponse(pickled, body.size, tuple(map(len, raw))), responses)
    for memory in raw:
        responses.write(memory)
    responses.flush()


def _chunks(requests: IO[bytes], sizes: tuple[int, ...]) -> Iterator[bytes]:
    for size in sizes:
        yield requests.read(size)
