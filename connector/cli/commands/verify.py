"""`connector verify`: compares TwelveLabs, ledger and Qdrant asset by asset, and repairs what differs on request."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from connector.app import App, open_app
from connector.cli.follow import daemon_runs, follow
from connector.cli.interrupts import interrupts
from connector.cli.output import Exit, counted, number, print_json, put, text
from connector.cli.progress import ProgressBars
from connector.domain.report import CycleKind, CycleReport
from connector.domain.verification import Kind, Repair
from connector.engine.passes import Pass
from connector.engine.reports import save_report
from connector.engine.uncovered import uncovered
from connector.engine.verifier import Verification, Verifier
from connector.ledger.index_states import known_names
from connector.ledger.ledger_opening import open_store
from connector.settings.connector_settings import Settings

SHOWN = 100
"""So many findings of an index are printed; the JSON document has all."""
_HANG = 2
_ASSETS = {
    Kind.MISSING_ASSET: "ready at TwelveLabs, but not in Qdrant",
    Kind.STALE_ASSET: "differs from what TwelveLabs has now",
    Kind.GONE_ASSET: "not in the listing of TwelveLabs any more",
    Kind.ORPHANED_ROW: "not in the listing of TwelveLabs, but in the ledger, without points",
    Kind.INTERRUPTED: "work on it began and did not end",
}
_POINTS = {
    Kind.MISSING_POINTS: "missing",
    Kind.SURPLUS_POINTS: "too many",
    Kind.STALE_POINTS: "of another revision than the ledger has",
    Kind.ALTERED_PAYLOAD: "with another payload than was written",
    Kind.WRONG_MODEL: "of another model than the collection",
    Kind.WRONG_COLLECTION: "in a collection that is not the asset's",
    Kind.ORPHANED_POINTS: "without a row in the ledger",
    Kind.ALTERED_VECTORS: "with other vectors than TwelveLabs has",
}
_REPAIRS = {
    Repair.UPSERT: "a repair writes it again",
    Repair.DELETE: "a repair deletes it, once TwelveLabs confirms that it is gone",
    Repair.FORGET: "a repair removes the row",
    Repair.WITHHELD: "its delete is withheld",
    Repair.KEPT: "it is kept (CONNECTOR_DELETE_MODE)",
    Repair.PENDING: "its grace period begins, then it is deleted",
    Repair.WAITING: "a repair waits until it is ready at TwelveLabs",
    Repair.QUARANTINED: "it is in quarantine: `connector quarantine retry`",
    Repair.NONE: "nothing can be done now",
}


async def verify(settings: Settings, only: Sequence[str], *, deep: bool, repair: bool, as_json: bool) -> Exit:
    documents = await run_verify(settings, only, deep=deep, repair=repair, shown=not as_json)
    if as_json:
        print_json({"indexes": documents})
    else:
        for document in documents:
            print_verification(document, repair=repair)
    return _exit(documents)


async def run_verify(
    settings: Settings, only: Sequence[str], *, deep: bool, repair: bool, shown: bool
) -> list[dict[str, Any]]:
    """What was found in each index, by the daemon if one runs, as JSON values. `shown`: show progress."""
    with ProgressBars(shown=shown) as bars:
        if await daemon_runs(settings):
            return await _through_daemon(settings, only, bars, deep=deep, repair=repair)
        async with open_app(settings, "verify", read_only=not repair, observe=bars.observe) as app:
            return await _verifications(app, only, bars, deep=deep, repair=repair)


async def _through_daemon(
    settings: Settings, only: Sequence[str], bars: ProgressBars, *, deep: bool, repair: bool
) -> list[dict[str, Any]]:
    """Let the daemon that owns the ledger do it: it knows which assets it is working on."""
    if bars.shown:
        async with open_store(settings.ledger, read_only=True) as ledger:
            names = await known_names(ledger)
        bars.expect({index_id: names.get(index_id) for index_id in only or names})
    arguments = {"indexes": list(only), "deep": deep, "repair": repair}
    result = await follow(settings, "verify", arguments, bars.show)
    return list(result["indexes"])


async def _verifications(
    app: App, only: Sequence[str], bars: ProgressBars, *, deep: bool, repair: bool
) -> list[dict[str, Any]]:
    indexes = await app.indexes(only)
    names = await known_names(app.ledger)
    bars.expect({index.index_id: names.get(index.index_id) for index in indexes})
    found = {index.index_id: Verification(index.index_id, interrupted=True) for index in indexes}

    async def run(it: Pass) -> CycleReport:
        report = await app.engine.run(it)
        await save_report(app.ledger, report, CycleKind.SYNC, time.time())
        return report

    verifier = Verifier(app.source, app.sink, app.ledger, app.engine, time.time, run=run, progress=bars.read)
    with interrupts(app.engine.workers):
        for settings in indexes:
            if app.engine.workers.stopping:
                break
            bars.begin(settings.index_id)
            found[settings.index_id] = await verifier.verify(settings, deep=deep, repair=repair)
        if not only and all(it.is_complete for it in found.values()):
            found |= {it.index_id: it for it in await uncovered(app.sink, app.ledger, found)}
    return [it.document() for it in found.values()]


def _exit(documents: Sequence[Mapping[str, Any]]) -> Exit:
    if any(it["error"] for it in documents):
        return Exit.UNAVAILABLE
    if any(it["interrupted"] for it in documents):
        return Exit.INTERRUPTED
    return Exit.DONE if all(it["clean"] for it in documents) else Exit.INCOMPLETE


def print_verification(document: Mapping[str, Any], *, repair: bool) -> None:
    index_id, name = document["index_id"], document["index_name"]
    title = text(f"{name} ({index_id})" if name else index_id)
    put(f"[bold]{title}[/bold]" + (f", {text(document['model'])}" if document["model"] else ""), hang=_HANG)
    if document["error"]:
        put(f"  [error]not completed:[/error] {text(document['error']['message'])}", hang=_HANG)
    if document["interrupted"]:
        put("  [warning]interrupted[/warning]", hang=_HANG)
    if document["error"] or document["interrupted"]:
        return
    findings = document["findings"]
    if document["covered"]:
        _print_extent(document)
    else:
        put("  neither CONNECTOR_INDEXES nor the ledger has this index, but Qdrant has points of it", hang=_HANG)
    for finding in findings[:SHOWN]:
        put(f"  {_described(finding)}", hang=_HANG)
    if len(findings) > SHOWN:
        put(f"  and {number(len(findings) - SHOWN)} more, which `connector verify --json` lists", hang=_HANG)
    if not findings:
        put("  [ok]no drift[/ok]", hang=_HANG)
        return
    kinds = Counter(finding["kind"] for finding in findings)
    put(
        f"  {counted(len(findings), 'finding')}: {', '.join(f'{number(n)} {kind}' for kind, n in kinds.items())}",
        hang=_HANG,
    )
    _print_outcome(document, repair=repair)


def _print_extent(document: Mapping[str, Any]) -> None:
    """What was compared."""
    put(
        f"  {counted(document['listed'], 'asset')} listed, {number(document['assets'])} in the ledger,"
        f" {counted(document['points'], 'point')} read, {document['duration_sec']:.1f} s"
        + ("" if document["complete"] else "; the listing was incomplete, so it does not show which assets are gone"),
        hang=_HANG,
    )
    if deep := document["deep"]:
        unanswered = f"; TwelveLabs had no answer for {number(deep['unanswered'])} more" if deep["unanswered"] else ""
        put(f"  {counted(deep['compared'], 'asset')} retrieved and compared with vectors{unanswered}", hang=_HANG)
    if document["in_progress"]:
        put(f"  {counted(document['in_progress'], 'asset')} not compared: the daemon was working on them", hang=_HANG)


def _described(finding: Mapping[str, Any]) -> str:
    kind = Kind(finding["kind"])
    named = text(f"{finding['indexed_asset_id']} {finding['filename'] or ''}".rstrip())
    what = _ASSETS[kind] if kind in _ASSETS else f"{counted(finding['affected'], 'point')} {_POINTS[kind]}"
    if kind in _POINTS and finding["expected"] is not None:
        what += f" (expected {number(finding['expected'])}, found {number(finding['found'])})"
    if finding["collection"]:
        what += f", in {text(finding['collection'])}"
    return f"[warning]{kind}[/warning] {named}: {what}; {_outcome(finding)}"


def _outcome(finding: Mapping[str, Any]) -> str:
    if finding["repaired"]:
        return "[ok]repaired[/ok]"
    because = f": {text(finding['because'])}" if finding["because"] else ""
    planned = f"{_REPAIRS[Repair(finding['repair'])]}{because}"
    return planned if finding["repaired"] is None else f"[error]not repaired[/error] ({planned})"


def _print_outcome(document: Mapping[str, Any], *, repair: bool) -> None:
    if not document["covered"]:
        forget = f"connector forget {text(document['index_id'])}"
        put(f"  add the index to CONNECTOR_INDEXES, or delete its points with `{forget}`", hang=_HANG)
        return
    if not repair:
        put("  repair them with `connector verify --repair`", hang=_HANG)
        return
    left = sum(1 for finding in document["findings"] if not finding["repaired"])
    if not left:
        put("  [ok]all of them are repaired[/ok]", hang=_HANG)
        return
    put(f"  [error]{counted(left, 'finding')} not repaired[/error]", hang=_HANG)
    for problem in document["repair"]["problems"] if document["repair"] else ():
        put(f"  {problem['state']} {text(problem['indexed_asset_id'])}: {text(problem['reason'])}", hang=_HANG)
