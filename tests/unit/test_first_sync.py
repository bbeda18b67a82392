"""Only a first sync starts the process that scans long bodies before there is one."""

from pathlib import Path

import pytest

from connector.cli.first_sync import scanning_of_first_sync
from connector.domain.ledger_place import LEDGER_FILE
from connector.settings.connector_settings import given_only


def started(data_dir: Path, **given: object) -> bool:
    settings = given_only(twelvelabs_api_key="key", connector_indexes="i", connector_data_dir=data_dir, **given)
    process = scanning_of_first_sync(settings)
    if process is None:
        return False
    is_running = process._worker is not None
    process.close()
    return is_running


def test_a_first_sync_starts_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})

    assert started(tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_later_one_does_not(tmp_path: Path) -> None:
    (tmp_path / LEDGER_FILE).touch()

    assert not started(tmp_path)


def test_a_ledger_in_postgresql_is_not_asked(tmp_path: Path) -> None:
    assert not started(tmp_path, connector_ledger_url="postgresql://nobody@127.0.0.1:1/none")


def test_what_is_wrong_with_the_data_directory_is_left_to_the_sync(tmp_path: Path) -> None:
    job = tmp_path / "reindex" / "videos" / "1" / "job.json"
    job.parent.mkdir(parents=True)
    job.write_text("{", encoding="utf-8")

    assert not started(tmp_path)
