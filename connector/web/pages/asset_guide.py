"""What the state of an asset means, and what an operator can do about it. Pure."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.asset_situation import Situation


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do. `command` is safe to paste into a shell; None if there is none."""

    what: str
    command: str | None = None


@dataclass(frozen=True, slots=True)
class AssetGuide:
    """`label` names the state, `tone` is its style class, `meaning` explains it."""

    label: str
    tone: str
    meaning: str
    steps: tuple[Step, ...] = ()


_MEANINGS = {
    Situation.APPLIED: (
        "Applied",
        "applied",
        "Its points are in Qdrant, and current as far as the connector knows.",
    ),
    Situation.IN_PROGRESS: ("In progress", "progress", "It is being retrieved or written at this moment."),
    Situation.BACKLOG: ("Backlog", "backlog", "It waits for its turn to be retrieved."),
    Situation.OPENED: (
        "Interrupted",
        "progress",
        "Work on it began and did not end. The next full cycle does it again.",
    ),
    Situation.WAITING: (
        "Waiting at the source",
        "waiting",
        "TwelveLabs has not finished indexing it. It is retrieved as soon as it is ready.",
    ),
    Situation.DEFERRED: (
        "Deferred",
        "deferred",
        "TwelveLabs or Qdrant could not be used when it was its turn. It will be retried, and this is no failure.",
    ),
    Situation.FAILED: ("Failed", "failed", "The last attempt failed. It will be retried."),
    Situation.QUARANTINED: (
        "Quarantined",
        "quarantined",
        "It failed too often without a change, so it is left alone until it changes or somebody retries it.",
    ),
    Situation.PENDING: (
        "Delete pending",
        "pending",
        "It is gone at TwelveLabs. Its points are deleted after the grace period, unless it is back before.",
    ),
    Situation.WITHHELD: (
        "Delete withheld",
        "withheld",
        "The last full cycle did not find it at TwelveLabs. Its points stay until the delete is allowed or confirmed.",
    ),
}
_FAILED_AT_SOURCE = "TwelveLabs could not index it: its status there is failed. Nothing is retrieved until it is ready."


def guide(document: Mapping[str, Any]) -> AssetGuide:
    """For the document of an asset (see `AssetView`)."""
    state = Situation(document["state"])
    label, tone, meaning = _MEANINGS[state]
    if state is Situation.WAITING and (document["listed"] or {}).get("status") == "failed":
        meaning = _FAILED_AT_SOURCE
    return AssetGuide(label, tone, meaning, tuple(_steps(state, document["index_id"], document["indexed_asset_id"])))


def _steps(state: Situation, index_id: str, indexed_asset_id: str) -> list[Step]:
    sync = Step("Try it now, without waiting", command("sync", index_id))
    match state:
        case Situation.FAILED | Situation.DEFERRED | Situation.OPENED:
            return [sync]
        case Situation.QUARANTINED:
            return [
                Step("Correct the cause, then let the next cycle retry it", retry(index_id, indexed_asset_id)),
                Step("Or delete the points that Qdrant still holds of it", drop(index_id, indexed_asset_id)),
            ]
        case Situation.PENDING:
            return [Step("See all pending deletes", command("plan", index_id))]
        case Situation.WITHHELD:
            return [
                Step("See all deletes that are withheld", command("plan", index_id)),
                Step("Allow them once", command("sync", index_id, "--allow-deletes")),
            ]
        case Situation.APPLIED:
            return [Step("Compare the index with TwelveLabs and Qdrant", command("verify", index_id))]
        case _:
            return []


def command(name: str, index_id: str, *options: str) -> str | None:
    """None if the id has characters that a terminal would interpret."""
    if not index_id.isprintable():
        return None
    return shlex.join(["connector", name, "--index", index_id, *options])


def retry(index_id: str, indexed_asset_id: str) -> str | None:
    return _quarantine("retry", index_id, indexed_asset_id)


def drop(index_id: str, indexed_asset_id: str) -> str | None:
    return _quarantine("drop", index_id, indexed_asset_id)


def _quarantine(what: str, index_id: str, indexed_asset_id: str) -> str | None:
    if not (index_id.isprintable() and indexed_asset_id.isprintable()):
        return None
    # An id that begins with a hyphen would be read as an option.
    last = ["--", indexed_asset_id] if indexed_asset_id.startswith("-") else [indexed_asset_id]
    return shlex.join(["connector", "quarantine", what, "--index", index_id, *last])
