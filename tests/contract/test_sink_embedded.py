"""Specific to embedded storage: its own directory, one process, a thread that must end."""

import os
import threading
from pathlib import Path

import pytest

from connector.domain.errors import SinkUnavailable
from connector.qdrant.sink import QdrantSink
from tests.contract.asset_points import asset_points, spec


def embedded(data_dir: Path) -> QdrantSink:
    return QdrantSink("embedded", None, 0, data_dir)


def entries(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_storage_survives_the_process(tmp_path: Path) -> None:
    """In `<data dir>/qdrant`, with the same instance."""
    first = embedded(tmp_path)
    instance_id = (await first.ensure(spec("c"), {})).instance_id
    await first.replace(asset_points(), "c", ())
    await first.close()
    second = embedded(tmp_path)

    assert (await second.ensure(spec("c"), {})).instance_id == instance_id
    assert await second.count("c", "index-1") == 3
    assert (tmp_path / "qdrant").is_dir()
    await second.close()


async def test_storage_in_use_names_the_directory_and_the_cure(tmp_path: Path) -> None:
    """And the first user continues undisturbed."""
    first, second = embedded(tmp_path), embedded(tmp_path)
    await first.ensure(spec("c"), {})

    with pytest.raises(SinkUnavailable, match=r"qdrant: it is in use.*QDRANT_URL") as in_use:
        await second.inspect("c")

    assert str(tmp_path) in str(in_use.value)
    assert await first.count("c", "index-1") == 0
    await first.close()
    assert await second.inspect("c")
    await second.close()


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    sink = embedded(tmp_path / "file")

    with pytest.raises(SinkUnavailable, match="open embedded Qdrant storage") as unusable:
        await sink.ensure(spec("c"), {})

    await sink.close()
    assert str(tmp_path / "file") in str(unusable.value)


@pytest.fixture
def read_only(tmp_path: Path) -> Path:
    directory = tmp_path / "read-only"
    directory.mkdir(mode=0o500)
    return directory


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_read_only_directory_is_named(read_only: Path) -> None:
    sink = embedded(read_only)

    with pytest.raises(SinkUnavailable, match="Permission"):
        await sink.ensure(spec("c"), {})

    await sink.close()


@pytest.mark.parametrize("content", ["", "no json", '{"collections": 3}'])
async def test_a_damaged_storage_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "qdrant").mkdir()
    (tmp_path / "qdrant" / "meta.json").write_text(content)

    sink = embedded(tmp_path)

    with pytest.raises(SinkUnavailable, match="open embedded Qdrant storage"):
        await sink.version()

    await sink.close()


async def test_looking_into_a_storage_that_does_not_exist_makes_nothing(tmp_path: Path) -> None:
    sink = embedded(tmp_path / "data")

    assert (await sink.version()).startswith("embedded 1.")
    assert await sink.collections() == []
    assert await sink.inspect("c") is None
    assert await sink.count("c", "index-1") == 0
    assert await sink.manifest("c", "index-1") == {}
    await sink.delete(["c"], "index-1", "asset-1")

    await sink.close()
    assert entries(tmp_path) == []


async def test_closing_ends_the_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    sink = embedded(tmp_path)
    await sink.ensure(spec("c"), {})
    assert threading.active_count() == before + 1

    await sink.close()

    assert threading.active_count() == before
