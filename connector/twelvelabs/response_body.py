"""The body of a successful response as received. It is decompressed where it is read, piece by piece.

Decompression with zlib is the reference: what it accepts, cuts off and refuses is what httpx does with gzip.
"""

import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from connector.domain.mapped_memory import mapped

SMALL = 64 * 1024
"""Bytes that are decompressed and read on the event loop: less work than handing them to a thread."""

_PIECE = 256 * 1024
_SLICE = 96 * 1024
_MAPPED_FROM = 512 * 1024
# Large enough that the memory goes back to the operating system, and that it is a huge page.
_CHUNK = 2 * 1024 * 1024


class TooLargeError(Exception):
    """The body, decompressed, has more bytes than the limit."""


class CutError(Exception):
    """The compressed body ends before its end is announced. Decompressors differ in what they check then."""


class Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...
    def flush(self) -> bytes: ...


NewDecompressor = Callable[[], Decompressor]


def zlib_decompressor() -> Decompressor:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


@dataclass(slots=True)
class ResponseBody:
    """`limit` bounds the decompressed bytes; `size` is their number as far as they are known.

    `arriving` are chunks that are received while the body is read, which is possible only once.
    """

    limit: int
    gzipped: bool = False
    received: int = 0
    size: int = 0
    chunks: list[bytes | memoryview] = field(default_factory=list)
    arriving: Iterable[bytes] = ()

    def add(self, chunk: bytes | memoryview) -> None:
        """Raises TooLargeError."""
        self.chunks.append(chunk)
        self.received += len(chunk)
        if not self.gzipped:
            self.size = self.received
        self._check(self.received)

    @property
    def is_small(self) -> bool:
        return not self.gzipped and self.received <= SMALL

    def unpack_small(self) -> None:
        """Decompress the body if it is small, also decompressed. Raises as `whole` does."""
        if self.gzipped and self.received <= SMALL:
            unpacking = zlib_decompressor()
            unpacked = unpacking.decompress(b"".join(self.chunks), SMALL + 1)
            if len(unpacked) <= SMALL:
                unpacked += unpacking.flush()
                self.chunks, self.gzipped, self.received, self.size = [unpacked], False, len(unpacked), len(unpacked)
                self._check(self.size)

    def pieces(
        self, new_decompressor: NewDecompressor = zlib_decompressor, *, to_end: bool = False
    ) -> Iterator[bytes | memoryview]:
        """Yield the decompressed body in pieces of limited size. May be called again.

        Raises TooLargeError, the decompressor's error (zlib.error) for invalid data, and with `to_end` also CutError.
        """
        found, unpacking, chunks = 0, new_decompressor(), chain(self.chunks, self.arriving)
        for piece in _unpacked(chunks, unpacking) if self.gzipped else chunks:
            found += len(piece)
            self._check(found)
            yield piece
        if to_end and self.gzipped and not unpacking.eof:
            raise CutError
        self.size = found

    def whole(self) -> bytearray:
        """The decompressed body. A truncated one ends early, and what follows its end is left out.

        Raises TooLargeError, and zlib.error for invalid data.
        """
        body = bytearray()
        for piece in self.pieces():
            body += piece
        return body

    def _check(self, size: int) -> None:
        if size > self.limit:
            raise TooLargeError


async def joined(received: AsyncIterator[bytes]) -> AsyncIterator[bytes | memoryview]:
    """Large chunks: thousands of small ones would fragment the memory of the process."""
    parts, size = list[bytes](), 0
    async for part in received:
        parts.append(part)
        size += len(part)
        if size >= _CHUNK:
            yield _joined(parts, size)
            parts, size = [], 0
    if parts:
        yield _joined(parts, size)


def _joined(parts: list[bytes], size: int) -> bytes | memoryview:
    """Many bytes get memory of their own: a large body would fill the allocator's."""
    if size < _MAPPED_FROM:
        return b"".join(parts)
    memory, start = memoryview(mapped(size)), 0
    for part in parts:
        memory[start : start + len(part)] = part
        start += len(part)
    return memory


def _slices(chunks: Iterable[bytes | memoryview]) -> Iterator[memoryview]:
    """Short, because a decompressor copies what it leaves of its input after each piece."""
    for chunk in chunks:
        view = memoryview(chunk)
        yield from (view[start : start + _SLICE] for start in range(0, len(view), _SLICE))


def _unpacked(chunks: Iterable[bytes | memoryview], unpacking: Decompressor) -> Iterator[bytes]:
    for chunk in _slices(chunks):
        left: bytes | memoryview = chunk
        while not unpacking.eof:
            piece = unpacking.decompress(left, _PIECE)
            left = unpacking.unconsumed_tail
            yield piece
            if not left and len(piece) < _PIECE:
                break
    yield unpacking.flush()
