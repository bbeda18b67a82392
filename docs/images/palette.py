"""Makes a PNG small: 256 colours instead of 16 million, which suffices for a page."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}
_MOST = 256


def with_palette(png: bytes) -> bytes:
    """`png` has 8 bits per channel and is not interlaced, as browsers write it. Drops its transparency."""
    pixels = _decoded(png)
    height, width, _ = pixels.shape
    palette, places = _reduced(pixels.reshape(-1, 3))
    lines = np.insert(places.reshape(height, width), 0, 0, axis=1)  # no filter: the best for a palette
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _reduced(pixels: Bytes) -> tuple[Bytes, Bytes]:
    """The most frequent colours, and for each pixel the place of the nearest one."""
    packed = pixels.astype(np.uint32) @ np.array([65536, 256, 1], dtype=np.uint32)
    colours, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    kept = np.sort(np.argsort(-counts, kind="stable")[:_MOST])
    rgb = np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], axis=1).astype(np.int32)
    distances = ((rgb[:, None, :] - rgb[kept][None, :, :]) ** 2).sum(axis=2)
    nearest = distances.argmin(axis=1).astype(np.uint8)
    return rgb[kept].astype(np.uint8), nearest[inverse.reshape(-1)]


def _decoded(png: bytes) -> Bytes:
    """Array of shape (height, width, 3)."""
    chunks = dict[bytes, bytes]()
    for kind, content in _chunks(png):
        chunks[kind] = chunks.get(kind, b"") + content
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if depth != 8 or interlaced or colour not in _CHANNELS:  # noqa: PLR2004  bits
        raise ValueError(f"not a PNG of a browser: {depth} bits, colour type {colour}")
    channels = _CHANNELS[colour]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + width * channels)
    pixels = np.zeros((height, width, channels), np.uint8)
    above = np.zeros((width, channels), np.uint8)
    for number, line in enumerate(lines):
        above = pixels[number] = _unfiltered(int(line[0]), line[1:].reshape(width, channels), above)
    return pixels[:, :, :3]


def _unfiltered(kind: int, line: Bytes, above: Bytes) -> Bytes:
    """Undo the filter of a line: https://www.w3.org/TR/png-3/#9Filters."""
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line, axis=0, dtype=np.uint8)
    if kind == 2:  # noqa: PLR2004  up
        return line + above
    done = np.zeros_like(line)
    left, corner = np.zeros(line.shape[1], np.int32), np.zeros(line.shape[1], np.int32)
    for place in range(len(line)):
        up = above[place].astype(np.int32)
        guess = (left + up) // 2 if kind == 3 else _paeth(left, up, corner)  # noqa: PLR2004  average
        left, corner = (line[place] + guess) % 256, up
        done[place] = left
    return done


def _paeth(
    left: npt.NDArray[np.int32], up: npt.NDArray[np.int32], corner: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    guess = left + up - corner
    to_left, to_up, to_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
