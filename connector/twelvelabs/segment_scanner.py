"""Splits the JSON of an asset, as it arrives, into the vectors and the small rest.

The value of each member `"float": [...]` is decoded at once and replaced by a placeholder. The rest, with the
placeholders, is JSON like the original, and shows whether each vector belongs to a segment.
"""

import re
import secrets

import numpy as np

from connector.domain.arrays import Float32, new_matrix
from connector.twelvelabs.number_arrays import DecodeNumbers

_LONGEST = 1024 * 1024
_BLOCK = 256
_SPACE = rb"[ \t\r\n]*"

# Up to the next member of this name with an array, to the end, or to a string or member that goes on in the next piece.
_REST = re.compile(
    rb'[^"]*(?:"(?!float"%b(?:\Z|:%b(?:\Z|\[)))[^"\\]*(?:\\.[^"\\]*)*"[^"]*)*' % (_SPACE, _SPACE), re.DOTALL
)
_MEMBER = re.compile(rb'"float"%b:%b(?=\[)' % (_SPACE, _SPACE))


_MOST_BYTES = 16 * 1024 * 1024
_MOST_NUMBERS = 32 * 1024 * 1024
"""Four hours of video have 2 MB beside the vectors, and 11 million numbers."""


class UnscannableError(Exception):
    """A string or an array that is too long to be kept in memory until its end arrives, or too much in all."""


class SegmentScanner:
    """`rows[i]` is what the placeholder i stands for."""

    def __init__(self, decode: DecodeNumbers) -> None:
        self.rows: list[Float32] = []
        self._decode = decode
        self._block: Float32 = np.empty((0, 0), np.float32)
        self._pending = b""
        self._rest = bytearray()
        self._numbers = 0
        # Random, so that no text of the source is taken for a placeholder.
        self._mark = secrets.token_hex(8)

    def feed(self, piece: bytes | memoryview) -> None:
        """Raises NotNumbersError, UnscannableError."""
        text, at = self._pending + piece, 0
        while True:
            stop = _end(_REST, text, at)
            begin = _end(_MEMBER, text, stop)
            end = text.find(b"]", begin) + 1 if begin > stop else 0
            if not end:
                break
            self._rest += text[at:begin] + self.placeholder(len(self.rows))
            self._keep(self._decode(text[begin:end]))
            at = end
        self._rest += text[at:stop]
        self._pending = text[stop:]
        if len(self._pending) > _LONGEST or len(self._rest) > _MOST_BYTES or self._numbers > _MOST_NUMBERS:
            raise UnscannableError

    def _keep(self, vector: Float32) -> None:
        """In blocks: thousands of small arrays would fragment the memory of the process."""
        self._numbers += len(vector)
        place = len(self.rows) % _BLOCK
        if place == 0:
            self._block = new_matrix(_BLOCK, len(vector))
        if len(vector) == self._block.shape[1]:
            self._block[place] = vector
            vector = self._block[place]
        self.rows.append(vector)

    def rest(self) -> bytearray:
        """The rest of the JSON, when all pieces were fed."""
        return self._rest + self._pending

    def placeholder(self, row: int) -> bytes:
        return b'"%b %d"' % (self._mark.encode(), row)


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
