"""Large memory that goes back to the operating system as soon as nothing refers to it.

The allocator of the C library keeps freed memory for itself, and more with each thread that used it.
"""

import mmap


def mapped(size: int) -> mmap.mmap:
    """Zeros."""
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
