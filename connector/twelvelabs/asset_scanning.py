"""Decodes a retrieved asset while it is decompressed: its JSON is never in memory as a whole.

It is the fast way for what the API usually sends. Anything unusual is left to `asset_decoding`, the reference, which
also produces every error. Both return the same bits for the same body.
"""

import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from connector.domain.errors import ConnectorError
from connector.domain.source_model import RetrievedAsset
from connector.twelvelabs import asset_decoding, inflating, number_arrays
from connector.twelvelabs.asset_decoding import DETAILED, DetailedBody, segments_of
from connector.twelvelabs.calls import Call
from connector.twelvelabs.json_decoding import decode
from connector.twelvelabs.number_arrays import DecodeNumbers, NotNumbersError
from connector.twelvelabs.response_body import CutError, NewDecompressor, ResponseBody, TooLargeError
from connector.twelvelabs.scanning_process import NotScannedError, ScanningProcess
from connector.twelvelabs.segment_scanner import SegmentScanner, UnscannableError

_UNUSUAL: tuple[type[Exception], ...] = (
    *inflating.INVALID_DATA,
    CutError,
    NotNumbersError,
    TooLargeError,
    UnscannableError,
    ConnectorError,
)

LONG = 512 * 1024
"""Bytes, as received, of a body that another process scans: some minutes of video, or 8 ms of CPU."""

_ONE_BY_ONE = threading.Lock()
"""A small compressed body may be 512 MB decompressed, so only one such body is in memory as a whole at a time."""


@dataclass(frozen=True, slots=True)
class AssetReader:
    """`asked` are the requested embedding options. With no segments, fall back to the index's model.

    `process` scans long bodies on another core.
    """

    asked: Collection[str]
    index_model: str | None
    transcript: bool
    new_decompressor: NewDecompressor = inflating.FASTEST
    new_number_decoder: Callable[[], DecodeNumbers] = number_arrays.FASTEST
    process: ScanningProcess | None = None

    def read(self, body: ResponseBody, call: Call) -> RetrievedAsset:
        """Raises as `asset_decoding.read_asset` and `ResponseBody.whole` do."""
        if body.is_small:
            return self._read_whole(body, call)
        found = self._scan_elsewhere(body, call)
        if found:
            return found
        with _ONE_BY_ONE:
            return self._read_whole(body, call)

    def _read_whole(self, body: ResponseBody, call: Call) -> RetrievedAsset:
        return asset_decoding.read_asset(body.whole(), call, self.asked, self.index_model, transcript=self.transcript)

    def _scan_elsewhere(self, body: ResponseBody, call: Call) -> RetrievedAsset | None:
        if self.process and body.received >= LONG:
            with suppress(NotScannedError):
                return self.process.scan(self.asked, self.index_model, body, call, transcript=self.transcript)
        return self.scan(body, call)

    def scan(self, body: ResponseBody, call: Call) -> RetrievedAsset | None:
        """None for anything unusual."""
        scanner = SegmentScanner(self.new_number_decoder())
        try:
            with np.errstate(over="ignore"):
                for piece in body.pieces(self.new_decompressor, to_end=True):
                    scanner.feed(piece)
            found = decode(scanner.rest(), DETAILED, call)
            if not _belongs(scanner, found):
                return None
            return asset_decoding.build(
                found,
                call,
                self.asked,
                self.index_model,
                lambda position, _: scanner.rows[position],
                transcript=self.transcript,
            )
        except _UNUSUAL:
            return None


def _belongs(scanner: SegmentScanner, found: DetailedBody) -> bool:
    """Return whether row i is the vector of segment i, and no row is left over."""
    vectors = [bytes(segment.vector) for segment in segments_of(found) or ()]
    return vectors == [scanner.placeholder(row) for row in range(len(scanner.rows))]
