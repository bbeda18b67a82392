"""The pictures of the status page: small, all there, and not changed by their palette."""

import itertools
import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest

from docs.images.pages import MOST_BYTES, PAGES, WINDOWS
from docs.images.palette import _decoded, with_palette
from tests.e2e.pages import ROOT

IMAGES = ROOT / "docs" / "images"
NAMES = sorted(f"{page}-{window}.png" for page in PAGES for window in WINDOWS)
Pixels = npt.NDArray[np.uint8]


def png(pixels: Pixels, filters: list[int]) -> bytes:
    """Encoded with these filters, one for each line."""
    height, width, channels = pixels.shape
    before = np.zeros((height + 1, width + 1, channels), np.int32)
    before[1:, 1:] = pixels
    left, up, corner = before[1:, :-1], before[:-1, 1:], before[:-1, :-1]
    guess = left + up - corner
    distances = np.abs(np.stack([left, up, corner]) - guess)
    nearest = np.choose(distances.argmin(axis=0), [left, up, corner])
    guesses = [np.zeros_like(left), left, up, (left + up) // 2, nearest]
    lines = [
        bytes([kind]) + ((pixels[number] - guesses[kind][number]) % 256).astype(np.uint8).tobytes()
        for number, kind in enumerate(filters)
    ]
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    chunks = [struct.pack(">I", len(it)) + kind + it + struct.pack(">I", zlib.crc32(kind + it)) for kind, it in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def shown(picture: bytes) -> Pixels:
    """The colours of a picture with a palette."""
    at, chunks = 8, dict[bytes, bytes]()
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        chunks[picture[at + 4 : at + 8]] = picture[at + 8 : at + 8 + length]
        at += length + 12
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    return np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)[lines[:, 1:]]


@pytest.mark.parametrize("channels", [3, 4])
def test_every_filter_of_a_browser_is_undone(channels: int) -> None:
    chance = np.random.default_rng(7)
    pixels = chance.integers(0, 256, (25, 9, channels), np.uint8)
    filters = [kind for pair in itertools.permutations(range(5), 2) for kind in pair][:25]

    assert np.array_equal(_decoded(png(pixels, filters)), pixels[:, :, :3])


def test_a_page_of_few_colours_stays_as_it_is() -> None:
    chance = np.random.default_rng(8)
    colours = chance.integers(0, 256, (256, 3), np.uint8)
    pixels = colours[chance.integers(0, 256, (40, 30))]

    assert np.array_equal(shown(with_palette(png(pixels, [4] * 40))), pixels)


def test_rare_colours_become_their_neighbours() -> None:
    """256 frequent ones, and each once a little brighter."""
    frequent = np.array([(number, 2 * number % 250, 100) for number in range(256)], np.uint8)
    pixels = np.stack([frequent, frequent, frequent + np.array([0, 1, 0], np.uint8)])

    reduced = shown(with_palette(png(pixels, [0] * 3)))
    assert np.array_equal(reduced[:2], pixels[:2])
    assert np.array_equal(reduced[2], pixels[0])


def test_all_pictures_are_there_and_small() -> None:
    found = sorted(file.name for file in IMAGES.glob("*.png"))

    assert found == NAMES, "run `make images`"
    assert sum((IMAGES / name).stat().st_size for name in found) <= MOST_BYTES


def test_every_picture_is_shown_in_the_documents() -> None:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/status-page.md")]

    assert [name for name in NAMES if not any(name in text for text in texts)] == []
