"""Decompresses gzip with isal where it is installed, else with zlib."""

import zlib
from typing import cast

from connector.twelvelabs.response_body import Decompressor, NewDecompressor, zlib_decompressor

FASTEST: NewDecompressor
INVALID_DATA: tuple[type[Exception], ...]

try:
    from isal import isal_zlib
except ImportError:  # no wheel for this platform
    FASTEST, INVALID_DATA = zlib_decompressor, (zlib.error,)
else:

    def isal_decompressor() -> Decompressor:
        return isal_zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    FASTEST, INVALID_DATA = isal_decompressor, (zlib.error, cast("type[Exception]", isal_zlib.error))
