"""Decodes one JSON array of numbers into float32, with pysimdjson where it is installed, else with msgspec."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from connector.domain.arrays import Float32

DecodeNumbers = Callable[[bytes], Float32]
"""Takes text that begins with `[` and ends with its only `]`; returns shape (n,). Numbers beyond float32 become inf.

Raises NotNumbersError for what it does not decode.
"""

_FLOATS = msgspec.json.Decoder(list[float])


class NotNumbersError(Exception):
    """Not an array of numbers, or one that only the reference decodes."""


def with_msgspec() -> DecodeNumbers:
    def decode(text: bytes) -> Float32:
        try:
            numbers = _FLOATS.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NotNumbersError from error
        return np.array(numbers, np.float64).astype(np.float32)

    return decode


FASTEST: Callable[[], DecodeNumbers]

try:
    import simdjson
except ImportError:  # no wheel for this platform
    FASTEST = with_msgspec
else:

    def with_simdjson() -> DecodeNumbers:
        """The decoder is for one thread."""
        parser = simdjson.Parser()

        def parse(text: bytes) -> Any:
            nonlocal parser
            try:
                return parser.parse(text)
            except RuntimeError:  # something keeps the frame of an earlier array, and with it the parser
                parser = simdjson.Parser()
                return parser.parse(text)

        def decode(text: bytes) -> Float32:
            try:
                array = parse(text)
                numbers = np.frombuffer(array.as_buffer(of_type="d"), np.float64)
            except (ValueError, TypeError, RuntimeError, AttributeError) as error:
                raise NotNumbersError from error
            return numbers.astype(np.float32)

        return decode

    FASTEST = with_simdjson
