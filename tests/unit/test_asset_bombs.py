"""A small compressed body of any size decompressed uses a limited amount of memory until it is given up."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.domain.errors import ConnectorError
from connector.twelvelabs.asset_scanning import AssetReader
from tests.fakes.bodies import ASSET, OPTIONS
from tests.unit.asset_texts import received, zipped

MB = 1024 * 1024
READER = AssetReader(OPTIONS, "marengo3.0", transcript=True)
BOMBS = {
    "space": b'{"a": 1, ' + b" " * (200 * MB),
    "numbers": b'{"a": [' + (b'{"float":[' + b"1," * 1000 + b"1]},") * 50_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_kept_is_bounded(name: str) -> None:
    body = received(zipped(BOMBS[name]), chunk=MB, zipped=True, limit=512 * MB)
    tracemalloc.start()
    try:
        found = READER.scan(body, ASSET)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found is None
    assert peak < 160 * MB


def test_several_at_once_are_read_as_a_whole_one_by_one() -> None:
    bomb = zipped(BOMBS["space"][: 50 * MB])

    assert peak_of_reading(bomb, at_once=4) < 2 * peak_of_reading(bomb, at_once=1)


def peak_of_reading(bomb: bytes, at_once: int) -> int:
    def read(_: int) -> bool:
        try:
            READER.read(received(bomb, MB, zipped=True, limit=512 * MB), ASSET)
        except ConnectorError:
            return True
        return False

    tracemalloc.start()
    try:
        with ThreadPoolExecutor(at_once) as threads:
            assert all(threads.map(read, range(at_once)))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
