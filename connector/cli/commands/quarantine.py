"""`connector quarantine retry / drop`."""

from collections.abc import Sequence
from typing import Any

from connector.app import App, open_app
from connector.cli.follow import daemon_runs, follow
from connector.cli.output import Exit, out, print_json, text
from connector.domain.errors import ConfigError
from connector.engine import maintenance
from connector.ledger.ledger_opening import open_store
from connector.settings.connector_settings import Settings


async def release(settings: Settings, what: str, index_id: str, names: Sequence[str], *, as_json: bool) -> Exit:
    """`what` is retry or drop; empty `names` selects every quarantined asset of the index."""
    async with open_store(settings.ledger, read_only=True) as ledger:
        found = await maintenance.quarantined(ledger, index_id, settings.connector_max_attempts)
    unknown_ids = sorted(set(names) - found.keys())
    if unknown_ids:
        advice = "See `connector quarantine list`"
        raise ConfigError(f"quarantine {what}", unknown_ids[0], f"it is not in quarantine in index {index_id}", advice)
    chosen = list(names or sorted(found))
    result: Any = {"assets": []}
    if chosen and await daemon_runs(settings):
        result = await follow(settings, f"quarantine {what}", {"index_id": index_id, "assets": chosen})
    elif chosen:
        async with open_app(settings, f"quarantine {what}") as app:
            result = {"assets": await _carry_out(app, what, index_id, chosen)}
    if as_json:
        print_json({"index_id": index_id, **result})
    elif not chosen:
        out.print(f"No assets of index {text(index_id)} are in quarantine.")
    else:
        done = "will be retried in the next cycle" if what == "retry" else "no longer have points in Qdrant"
        out.print(f"{len(result['assets'])} assets {done}.")
    return Exit.DONE


async def _carry_out(app: App, what: str, index_id: str, names: Sequence[str]) -> list[str]:
    if what == "retry":
        return await maintenance.retry(app.ledger, index_id, names)
    return await maintenance.drop(app.sink, app.ledger, app.settings.of_index(index_id), names)
