"""What `connector status` says below its table: the daemon, and for each index what the table does not show."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.cli.output import counted, number, span, text

_LIMITS = {
    "rate_limit": "waiting for the rate limit of requests to TwelveLabs",
    "source": "the responses of TwelveLabs",
    "sink": "the responses of Qdrant",
}


def daemon_lines(daemon: Mapping[str, Any] | None, *, synced: bool) -> Iterator[str]:
    """Lines of markup. `synced`: whether the ledger has an index."""
    if daemon is None:
        yield (
            "No daemon is running."
            if synced
            else "Nothing has been synced yet: run `connector sync` or `connector run`."
        )
        return
    replicas = daemon.get("cluster", {}).get("replicas", ())
    if len(replicas) > 1:
        yield f"{number(len(replicas))} replicas share the work."
    else:
        yield f"The daemon is {text(daemon['state'])} (process {daemon['pid']})."
    if daemon.get("limited_by"):
        limit = daemon["limited_by"]
        yield f"  what takes most of the time: {_LIMITS.get(limit, text(limit))}"
    yield from _cluster_lines(daemon.get("cluster") or {})
    for name, reason in daemon["not_ready"].items():
        yield f"  [error]not ready, {text(name)}:[/error] {text(reason)}"


def _cluster_lines(cluster: Mapping[str, Any]) -> Iterator[str]:
    """The replicas, and how many jobs wait for them."""
    replicas = cluster.get("replicas", ())
    for it in replicas:
        beat = f"last heard from {span(it['beat_sec'])} ago"
        place = text(f"{it['host']}, process {it['pid']}, release {it['version']}")
        work = f"plans for {counted(len(it['leases']), 'index', 'indexes')}, works on {counted(it['in_hand'], 'asset')}"
        yield f"  replica on {place}: {text(it['state'])}, {work}; {beat}"
        for name, reason in (it.get("cannot_work") or {}).items():
            yield f"    [error]cannot work, {text(name)}:[/error] {text(reason)}"
    if len({it["settings"] for it in replicas if it.get("settings")}) > 1:
        yield "  [warning]the replicas have different settings or API keys:[/warning] jobs wait for one with the same"
    waiting = {name: it["waiting"] for name, it in cluster.get("jobs", {}).items() if it["waiting"]}
    if waiting:
        yield "  jobs that wait for a worker: " + ", ".join(f"{number(it)} {name}" for name, it in waiting.items())


def index_lines(index: Mapping[str, Any], live: Mapping[str, Any] | None) -> Iterator[str]:
    """Lines of markup about one index of the document. `live` is what the daemon says of it."""
    name = f"{index['index_name']} ({index['index_id']})" if index["index_name"] else index["index_id"]
    yield f"[bold]{text(name)}[/bold]" + (f", {text(index['model'])}" if index["model"] else "")
    yield from _live_lines(live)
    if index["expires_soon"]:
        yield f"  [warning]expires at {index['expires_at']}:[/warning] TwelveLabs deletes the index then"
    yield from _cycle_lines(index, live["error"] if live else None)
    if index["backlog"]:
        waiting = ", ".join(f"{number(count)} {priority}" for priority, count in index["backlog"].items())
        remaining = index["remaining_sec"]
        rest = "" if remaining is None else f"; about {span(remaining)} at {index['assets_per_minute']:g} a minute"
        yield f"  waiting to be retrieved: {waiting}{rest}"
    elif index["assets_per_minute"]:
        yield f"  throughput: {index['assets_per_minute']:g} assets a minute"
    if index["lag_sec"] is not None:
        worst = index["worst_lag_sec"]
        yield f"  lag: {span(index['lag_sec'])}, worst of the last hour {span(worst or 0.0)}"
    yield from _withheld_lines(index)
    yield from _problem_lines(index)


def new_index_lines(index_id: str, live: Mapping[str, Any]) -> Iterator[str]:
    """An index that only the daemon knows yet."""
    yield f"[bold]{text(index_id)}[/bold]"
    yield from _live_lines(live)


def needs_attention(index: Mapping[str, Any], live: Mapping[str, Any] | None) -> bool:
    failed = live["error"] if live else index["last_cycle"] and index["last_cycle"]["error"]
    return bool(failed or index["withheld"] or index["expires_soon"] or any(index["counts"].values()))


def _live_lines(live: Mapping[str, Any] | None) -> Iterator[str]:
    if live is None:
        return
    if live["error"]:
        yield f"  [error]failing:[/error] {text(live['error']['message'])}"
    progress = f", {number(live['done'])} of {number(live['planned'])} changes done" if live["planned"] else ""
    yield f"  now: {text(live['doing'])}{progress}"
    upcoming = {"next poll": live.get("next_poll_at"), "next full cycle": live.get("next_cycle_at")}
    if any(upcoming.values()):
        yield "  " + ", ".join(f"{what}: at {text(at)}" for what, at in upcoming.items() if at)


def _cycle_lines(index: Mapping[str, Any], told: Mapping[str, str] | None) -> Iterator[str]:
    """`told` is an error that was named already."""
    last, points = index["last_cycle"], counted(index["points"], "point")
    if not last:
        yield f"  {points}"
        return
    ended = f" at {index['last_cycle_at']}" if index["last_cycle_at"] else ""
    how = "failed" if last["error"] else "interrupted" if last["interrupted"] else "done"
    yield f"  {points}, last cycle:{ended}, {how} in {last['duration_sec']:.1f} s"
    if last["error"]:
        if last["error"] != told:
            yield f"  [error]failed:[/error] {text(last['error']['message'])}"
        yield f"  last success: {index['last_success_at'] or 'never'}"


def _withheld_lines(index: Mapping[str, Any]) -> Iterator[str]:
    if not index["withheld"]:
        return
    withheld = counted(index["withheld"], "delete")
    yield f"  [warning]{withheld} withheld:[/warning] {text(index['withheld_because'])}"
    problems = index["last_cycle"]["problems"] if index["last_cycle"] else ()
    for problem in (it for it in problems if it["state"] == "withheld"):
        yield f"    {text(problem.get('filename') or problem['indexed_asset_id'])}"
    yield "  list them with `connector plan`; allow them once with `connector sync --allow-deletes`"


def _problem_lines(index: Mapping[str, Any]) -> Iterator[str]:
    for name in index["opened"]:
        yield f"  started but not finished: {text(name)}"
    for word in ("deferred", "failed", "quarantined"):
        for problem in index[word]:
            file = f"{problem['filename']}, " if problem["filename"] else ""
            retry = "" if word == "quarantined" or not problem["due"] else f", next attempt {problem['due']}"
            name = f"{problem['indexed_asset_id']} ({file}{problem['attempts']} attempts{retry})"
            yield f"  [warning]{word}[/warning] {text(name)}: {text(problem['reason'])}"
    if index["quarantined"]:
        yield f"  retry what is in quarantine with `connector quarantine retry --index {text(index['index_id'])}`"
    for delete in index["pending"]:
        name = text(f"{delete['indexed_asset_id']} {delete['filename'] or ''}".rstrip())
        gone = f"gone since {delete['absent_since']}, its points are deleted after {delete['due']}"
        yield f"  [warning]pending[/warning] {name}: {gone}"
    more = sum(index["counts"].values()) - sum(len(index[word]) for word in index["counts"])
    if more > 0:
        rest = f"; the next ones: --offset {index['next_offset']}" if index["next_offset"] else ""
        yield f"  and {number(more)} more{rest}"
