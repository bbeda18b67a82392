"""The jobs of `connector reindex` in the data directory, and which ledger belongs to which CONNECTOR_COLLECTION.

    <data dir>/ledger.sqlite3                          the ledger of the first collection
    <data dir>/reindex/<alias>/<number>/job.json       a move of the alias: from where to where, with which settings
    <data dir>/reindex/<alias>/<number>/ledger.sqlite3 the ledger of its target

A ledger stays with its collection, so changed settings never make one collection the heir of another one.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_place import LEDGER_FILE
from connector.domain.reindex_job import COLLECTION, JobState, ReindexJob, writer_of

JOB_FILE = "job.json"
_LEFT_OVER_SEC = 60.0
_TEXTS = ("alias", "from_collection", "to_collection", "state")


def directory_of(data_dir: Path, alias: str, number: int) -> Path:
    return data_dir / "reindex" / alias / str(number)


def ledger_home(data_dir: Path, template: str) -> Path:
    """The directory of the ledger that this CONNECTOR_COLLECTION is written with. Raises LedgerUnavailable."""
    job = writer_of(template, read_jobs(data_dir))
    return directory_of(data_dir, job.alias, job.number) if job else data_dir


def read_jobs(data_dir: Path) -> list[ReindexJob]:
    """All jobs, in a stable order.

    Raises LedgerUnavailable for one that is unreadable, or missing beside its ledger: the ledger must not be lost.
    """
    places = {path.parent for name in (JOB_FILE, LEDGER_FILE) for path in (data_dir / "reindex").glob(f"*/*/{name}")}
    return [_read(place / JOB_FILE) for place in sorted(places)]


def save_job(data_dir: Path, job: ReindexJob) -> None:
    """Write it atomically and durably. Raises LedgerUnavailable, and leaves the file as it was."""
    place = directory_of(data_dir, job.alias, job.number)
    unfinished = place / f"job.{os.getpid()}.tmp"
    try:
        place.mkdir(parents=True, exist_ok=True)
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(asdict(job), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place / JOB_FILE)
        _remove_left_over(place)
        _flush_directory(place)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        advice = "Make the data directory writable for this user, and check its free space"
        raise LedgerUnavailable("write reindex job", str(place), str(error), advice) from error


def _remove_left_over(place: Path) -> None:
    """What killed processes did not finish. A process that still writes is done within much less time."""
    for path in place.glob("job.*.tmp"):
        with suppress(OSError):  # another process may have removed it
            if time.time() - path.stat().st_mtime > _LEFT_OVER_SEC:
                path.unlink()


def _flush_directory(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> ReindexJob:
    try:
        return _job(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        cause = "it is missing" if isinstance(error, FileNotFoundError) else str(error) or type(error).__name__
        advice = "Restore the file: it says which ledger belongs to which collection"
        raise LedgerUnavailable("read reindex job", str(path), cause, advice) from None


def _job(found: dict[str, Any]) -> ReindexJob:
    texts = {name: found[name] for name in _TEXTS}
    changes, before = dict(found["changes"]), dict(found["before"])
    model = found.get("from_model") or ""
    if not all(isinstance(value, str) for value in (model, *texts.values(), *changes.values(), changes[COLLECTION])):
        raise TypeError("a value that must be text is not")
    return ReindexJob(
        alias=texts["alias"],
        number=int(found["number"]),
        from_collection=texts["from_collection"],
        to_collection=texts["to_collection"],
        changes=changes,
        before=before,
        state=JobState(texts["state"]),
        created_at=float(found["created_at"]),
        changed_at=float(found["changed_at"]),
        from_model=found.get("from_model"),
    )
