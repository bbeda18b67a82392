"""The files of reindex jobs, and the ledger that settings open."""

import json
import os
import time
from pathlib import Path

import pytest

from connector.domain.errors import ConfigError, LedgerUnavailable
from connector.domain.reindex_job import CHANGEABLE, RATE, JobState
from connector.settings.connector_settings import Settings, given_only
from connector.settings.reindex_jobs import directory_of, read_jobs, save_job
from connector.settings.target_settings import as_given, parse_changes, with_changes
from tests.full_disk import no_space
from tests.unit.test_reindex_job import JOB, JOBS, NEXT


def settings(data_dir: Path, **given: object) -> Settings:
    return given_only(twelvelabs_api_key="key", connector_indexes="index-1", connector_data_dir=data_dir, **given)


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    assert read_jobs(tmp_path) == []
    for job in JOBS:
        save_job(tmp_path, job)
    save_job(tmp_path, NEXT)
    (tmp_path / "reindex" / "begun" / "1").mkdir(parents=True)

    assert sorted(read_jobs(tmp_path), key=lambda it: it.number) == sorted(JOBS, key=lambda it: it.number)
    assert [it.name for it in directory_of(tmp_path, "videos", 1).iterdir()] == ["job.json"]


def test_settings_open_the_ledger_of_their_collection(tmp_path: Path) -> None:
    before = settings(tmp_path, connector_collection="videos-v1-{model}")
    after = settings(tmp_path, connector_collection="videos-v2-{model}", connector_transcript=True)
    assert after.ledger.file == before.ledger.file == tmp_path / "ledger.sqlite3"

    save_job(tmp_path, JOB)

    assert before.ledger.file == tmp_path / "ledger.sqlite3"
    assert after.ledger.file == tmp_path / "reindex" / "videos" / "1" / "ledger.sqlite3"
    assert after.ledger.lock == tmp_path / "reindex" / "videos" / "1" / "ledger.lock"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"alias": "videos"}', *(json.dumps({"changes": it}) for it in (None, 3, {}, {"a": 1}))],
)
def test_a_damaged_job_is_an_error_and_not_another_ledger(tmp_path: Path, content: str) -> None:
    save_job(tmp_path, JOB)
    (directory_of(tmp_path, "videos", 1) / "job.json").write_text(content)

    with pytest.raises(LedgerUnavailable, match=r"read reindex job .*job\.json: .*Restore the file"):
        _ = settings(tmp_path).ledger


def test_a_ledger_without_its_job_is_an_error_and_not_another_ledger(tmp_path: Path) -> None:
    save_job(tmp_path, JOB)
    place = directory_of(tmp_path, "videos", 1)
    (place / "job.json").unlink()
    assert settings(tmp_path).ledger.file == tmp_path / "ledger.sqlite3", "an empty directory is of no job"
    (place / "ledger.sqlite3").write_text("")

    with pytest.raises(LedgerUnavailable, match=r"job\.json: it is missing.*Restore the file"):
        _ = settings(tmp_path).ledger


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "reindex").write_text("")

    with pytest.raises(LedgerUnavailable, match="write reindex job"):
        save_job(tmp_path, JOB)


def test_a_job_that_cannot_be_written_leaves_the_last_one_and_no_other_file(tmp_path: Path) -> None:
    save_job(tmp_path, JOB)

    with pytest.raises(LedgerUnavailable, match="check its free space"), no_space():
        save_job(tmp_path, JOB.now(JobState.SWITCHED, 300.0))

    assert read_jobs(tmp_path) == [JOB]
    assert [it.name for it in directory_of(tmp_path, "videos", 1).iterdir()] == ["job.json"]


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    save_job(tmp_path, JOB)
    place = directory_of(tmp_path, "videos", 1)
    for name, at in (("job.1.tmp", 1.0), ("job.2.tmp", time.time())):
        (place / name).write_text("")
        os.utime(place / name, (at, at))

    save_job(tmp_path, JOB)

    assert {it.name for it in place.iterdir()} == {"job.json", "job.2.tmp"}, "the other one may be of a running process"


def test_changes_are_settings_that_shape_points() -> None:
    given = ["CONNECTOR_TRANSCRIPT=false", "connector_collection = v2-{model}", f"{RATE}=10"]

    assert parse_changes(given) == {
        "CONNECTOR_COLLECTION": "v2-{model}",
        "CONNECTOR_TRANSCRIPT": "false",
        RATE: "10",
    }
    assert parse_changes([]) == {}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["CONNECTOR_COLLECTION"], "is not NAME=VALUE"),
        (["CONNECTOR_COLLECTION="], "is not NAME=VALUE"),
        (["CONNECTOR_COLECTION=x"], "cannot change it; did you mean CONNECTOR_COLLECTION"),
        (["QDRANT_API_KEY=x"], "cannot change it"),
        (["CONNECTOR_TRANSCRIPT=true", "connector_transcript=false"], "given twice"),
    ],
)
def test_what_is_no_change_is_refused(given: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse_changes(given)


def test_the_target_has_the_changes_and_all_other_settings(tmp_path: Path) -> None:
    present = settings(tmp_path, connector_concurrency=7, connector_transcript=False)

    target = with_changes(present, {"CONNECTOR_COLLECTION": "v2-{model}", "CONNECTOR_INDEXES": "a,b"})

    assert (target.connector_collection, target.connector_indexes) == ("v2-{model}", ("a", "b"))
    assert (target.connector_concurrency, target.connector_transcript) == (7, False)
    assert target.twelvelabs_api_key.get_secret_value() == "key"
    assert present.connector_collection != target.connector_collection
    with pytest.raises(ConfigError, match=r"2 mistakes[\s\S]*CONNECTOR_TRANSCRIPT[\s\S]*CONNECTOR_COLLECTION"):
        with_changes(present, {"CONNECTOR_COLLECTION": "v2", "CONNECTOR_TRANSCRIPT": "perhaps"})


def test_present_values_are_written_as_variables_have_them(tmp_path: Path) -> None:
    present = settings(tmp_path, connector_embedding_options="audio,visual", connector_transcript="false")

    assert as_given(present, ["CONNECTOR_EMBEDDING_OPTIONS", "CONNECTOR_TRANSCRIPT", "CONNECTOR_COLLECTION"]) == {
        "CONNECTOR_EMBEDDING_OPTIONS": "audio,visual",
        "CONNECTOR_TRANSCRIPT": "false",
        "CONNECTOR_COLLECTION": None,
    }


def test_every_change_is_a_setting_or_will_be_one() -> None:
    later = {"CONNECTOR_SPARSE_TRANSCRIPT", "CONNECTOR_PAYLOAD_PROFILE"}

    assert {name for name in CHANGEABLE if name.lower() not in Settings.model_fields} <= later
