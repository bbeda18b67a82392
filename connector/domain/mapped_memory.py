"""Large memory that goes back to the operating system as soon as nothing refers to it, and smaller that does not.

The allocator of the C library keeps freed memory for itself, and more with each thread that used it.
"""

import ctypes
import mmap
from contextlib import suppress

_MB = 1024 * 1024
_HUGE_PAGE = 2 * _MB

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT, _IN_HEAP, _ARENAS = 8 * _MB, 4 * _MB, 1


def mapped(size: int) -> mmap.mmap:
    """Zeros. In huge pages where the system has them: the first use of a page costs more than filling it."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if size >= _HUGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without them
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def keep_freed_memory() -> None:
    """Let glibc keep a few freed MB for the next request or response: new pages are slow to use.

    By default it returns them at once and asks for them again. All threads share what is kept; otherwise each would
    keep as much. Does nothing with other C libraries.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return
    mallopt(_M_ARENA_MAX, _ARENAS)
    mallopt(_M_MMAP_THRESHOLD, _IN_HEAP)
    mallopt(_M_TRIM_THRESHOLD, _KEPT)
