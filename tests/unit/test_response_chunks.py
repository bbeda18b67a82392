"""How the pieces of a response that arrive become the chunks that are kept."""

from collections.abc import AsyncIterator

import pytest

from connector.twelvelabs.response_body import ResponseBody, joined

KB = 1024


async def arriving(sizes: list[int]) -> AsyncIterator[bytes]:
    for number, size in enumerate(sizes):
        yield bytes([number % 251]) * size


@pytest.mark.parametrize(
    ("sizes", "chunks"),
    [
        ([], []),
        ([1], [1]),
        ([64 * KB] * 3, [192 * KB]),
        ([64 * KB] * 8, [512 * KB]),
        ([256 * KB] * 8, [2048 * KB]),
        ([300 * KB] * 9, [2100 * KB, 600 * KB]),
        ([64 * KB] * 70, [2048 * KB, 2048 * KB, 384 * KB]),
        ([5000 * KB, 1], [5000 * KB, 1]),
    ],
)
async def test_chunks_are_large_and_keep_every_byte(sizes: list[int], chunks: list[int]) -> None:
    found = [chunk async for chunk in joined(arriving(sizes))]

    assert [len(chunk) for chunk in found] == chunks
    assert b"".join(found) == b"".join([part async for part in arriving(sizes)])


async def test_a_decompressor_gets_short_pieces_of_a_large_chunk() -> None:
    """It copies what it leaves of its input, so a large input would be copied many times."""
    asked: list[int] = []

    class Watched:
        eof = False
        unconsumed_tail = b""

        def decompress(self, data: bytes | memoryview, _longest: int, /) -> bytes:
            asked.append(len(data))
            return bytes(data)

        def flush(self) -> bytes:
            return b""

    body = ResponseBody(limit=8 * KB * KB, gzipped=True)
    async for chunk in joined(arriving([300 * KB] * 9)):
        body.add(chunk)

    assert b"".join(body.pieces(Watched)) == b"".join([part async for part in arriving([300 * KB] * 9)])
    assert max(asked) <= 96 * KB
