"""`connector generate-key`: a random key in a file, made once."""

import re
import stat
from pathlib import Path

import pytest

from tests.command import Command


@pytest.fixture
def connector(tmp_path: Path) -> Command:
    """Without any setting."""
    return Command(tmp_path)


def test_it_writes_a_key_that_only_its_group_may_read_and_does_not_print_it(connector: Command) -> None:
    ended = connector.run("generate-key", "key")
    other = connector.run("generate-key", "other")

    assert (ended.code, other.code) == (0, 0)
    key = (connector.directory / "key").read_text()
    assert re.fullmatch(r"[0-9a-f]{64}\n", key)
    assert key != (connector.directory / "other").read_text()
    assert stat.S_IMODE((connector.directory / "key").stat().st_mode) == 0o640
    assert key.strip() not in ended.stdout + ended.stderr
    assert sorted(path.name for path in connector.directory.iterdir()) == ["key", "other"]


def test_a_key_that_is_there_stays(connector: Command) -> None:
    (connector.directory / "key").write_text("of-the-user")

    ended = connector.run("generate-key", "key")

    assert ended.code == 0
    assert (connector.directory / "key").read_text() == "of-the-user"


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_file_is_none(connector: Command, content: str) -> None:
    (connector.directory / "key").write_text(content)

    assert connector.run("generate-key", "key").code == 0
    assert len((connector.directory / "key").read_text()) == 65


@pytest.mark.parametrize("place", ["file/key", "missing/key", "."])
def test_a_place_that_cannot_be_written_is_named(connector: Command, place: str) -> None:
    """Also for root."""
    (connector.directory / "file").write_text("")

    ended = connector.run("generate-key", place)

    assert ended.code == 2
    assert f"write key to {place}: " in ended.stderr
    assert "writable" in ended.stderr
    assert [path.name for path in connector.directory.iterdir()] == ["file"]
