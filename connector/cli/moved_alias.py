"""How `connector reindex switch` and `rollback` show that the alias has moved."""

from collections.abc import Mapping
from typing import Any

from connector.cli.output import put, text
from connector.domain.reindex_job import ReindexJob, to_set


def moved_document(
    job: ReindexJob, points_to: str, moved_in_sec: float | None, values: Mapping[str, str | None]
) -> dict[str, Any]:
    """As JSON values; the keys are public. `moved_in_sec` is None if it was there already."""
    return {
        "alias": job.alias,
        "state": job.state.value,
        "alias_at": points_to,
        "moved": moved_in_sec is not None,
        "moved_in_sec": moved_in_sec,
        "from_collection": job.from_collection,
        "to_collection": job.to_collection,
        "settings": dict(values),
    }


def print_moved(job: ReindexJob, points_to: str, moved_in_sec: float | None, how: str) -> None:
    told = "already points" if moved_in_sec is None else f"{how} in {1000 * moved_in_sec:.0f} ms: it points"
    put(f"[ok]{text(job.alias)}[/ok] {told} to {text(points_to)}.")


def print_settings(values: Mapping[str, str | None]) -> None:
    put("Restart the daemon with these settings, or it goes on with the other collection:")
    for line in to_set(values):
        put(f"  {text(line)}")
