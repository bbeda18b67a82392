"""Indexes and their coverage as results of tools: JSON values and text. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.search.agents.answer_size import clipped, fitting, name
from connector.search.agents.moment_answers import quoted
from connector.search.video_catalog import StoredIndex

_MOST_KEYS = 30
_LONGEST_KEY = 60
_LONGEST_REASON = 500
_NO_LEDGER = (
    "This machine has no ledger of the connector, so this is only what Qdrant holds. Whether videos are missing is not "
    "known here: ask where the connector runs (`connector status`)."
)
_UNKNOWN = dict.fromkeys(
    ("assets", "applied", "waiting", "backlog", "failed", "quarantined", "withheld", "lag_sec", "last_cycle_at"), None
)
_PLAIN = ("model", "assets", "applied", "withheld", "lag_sec", "last_cycle_at", "last_success_at")


def index_entry(index: StoredIndex) -> dict[str, Any]:
    return {
        "index_id": index.index_id,
        "index_name": name(index.index_name),
        "model": index.model,
        "collection": index.collection,
        "assets": index.assets,
        "segments": index.segments,
        "options": list(index.options),
        "metadata_keys": [clipped(key, _LONGEST_KEY) for key in index.metadata_keys[:_MOST_KEYS]],
        "newest_indexed_at": index.newest_indexed_at,
    }


def held_entry(index: StoredIndex) -> dict[str, Any]:
    """What Qdrant alone tells of the coverage of an index."""
    return {
        "index_id": index.index_id,
        "index_name": name(index.index_name),
        **_UNKNOWN,
        "model": index.model,
        "applied": index.assets,
        "segments": index.segments,
        "last_success_at": None,
        "newest_indexed_at": index.newest_indexed_at,
        "error": None,
        "never_synced": False,
    }


def never_synced_entry(index_id: str) -> dict[str, Any]:
    """An index that is configured, and of which nothing is known here."""
    return {
        "index_id": index_id,
        "index_name": None,
        **_UNKNOWN,
        "model": None,
        "applied": 0,
        "segments": 0,
        "last_success_at": None,
        "newest_indexed_at": None,
        "error": None,
        "never_synced": True,
    }


def recorded_entry(state: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger tells: `state` is one index of `connector status --json`."""
    last, counts = state["last_cycle"] or {}, state["counts"]
    error = last.get("error")
    return {
        "index_id": state["index_id"],
        "index_name": name(state["index_name"]),
        **{key: state[key] for key in _PLAIN},
        "waiting": last.get("waiting"),
        "backlog": sum(state["backlog"].values()),
        "failed": counts["failed"] + counts["deferred"],
        "quarantined": counts["quarantined"],
        "segments": state["points"],
        "newest_indexed_at": None,
        "error": clipped(error["message"], _LONGEST_REASON) if error else None,
        "never_synced": False,
    }


def paged(entries: Sequence[Mapping[str, Any]], offset: int, total: int) -> dict[str, Any]:
    """`entries` begin at `offset` of `total`."""
    shown = fitting(entries)
    following = offset + shown
    return {
        "indexes": list(entries[:shown]),
        "next_offset": following if shown and following < total else None,
        "notes": [f"There are only {total} indexes: use a smaller offset."] if offset and not entries else [],
    }


def coverage_answer(page: Mapping[str, Any], as_of: str, status: Mapping[str, Any] | None) -> dict[str, Any]:
    """`status` is what the ledger says; None without one."""
    notes = list(page["notes"])
    if never := [it["index_id"] for it in page["indexes"] if it["never_synced"]]:
        ids = ", ".join(never)
        notes.append(f"These indexes are configured, but were never synced, so nothing of them can be found: {ids}.")
    if status is None:
        notes.append(_NO_LEDGER)
    elif status["daemon"] is None:
        notes.append("No daemon runs on this machine, so nothing becomes current until the next sync.")
    return {
        "source": "qdrant" if status is None else "ledger",
        "as_of": as_of,
        "daemon_running": None if status is None else status["daemon"] is not None,
        **page,
        "notes": notes,
    }


def indexes_text(answer: Mapping[str, Any]) -> str:
    """One line per index. Untrusted text is quoted as JSON."""
    count = len(answer["indexes"])
    lines = [f"{count} {'index' if count == 1 else 'indexes'}{_source(answer)}."]
    lines += [f"- {_line(entry)}" for entry in answer["indexes"]]
    lines += [f"Note: {note}" for note in answer["notes"]]
    if answer["next_offset"] is not None:
        lines.append(f"There are more: call again with offset = {answer['next_offset']}.")
    return "\n".join(lines)


def _source(answer: Mapping[str, Any]) -> str:
    return f", as the {answer['source']} says at {answer['as_of']}" if "source" in answer else ""


def _line(entry: Mapping[str, Any]) -> str:
    known = {key: value for key, value in entry.items() if value is not None and value is not False and value != []}
    texts = {"index_id", "index_name", "metadata_keys", "error"}
    return ", ".join(f"{key} {quoted(it) if key in texts else _plain(it)}" for key, it in known.items())


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
