"""`connector quarantine list`: reads the ledger only."""

from collections.abc import Sequence

from connector.cli.follow import daemon_runs
from connector.cli.output import Exit, out, print_json, text
from connector.ledger.index_states import quarantined_assets
from connector.ledger.ledger_opening import open_heartbeat, open_store
from connector.settings.connector_settings import Settings


async def list_quarantined(settings: Settings, only: Sequence[str], *, as_json: bool) -> Exit:
    place = settings.ledger
    async with open_store(place, read_only=True) as ledger, open_heartbeat(place, read_only=True) as heartbeat:
        daemon = await heartbeat.read() if await daemon_runs(settings) else None
        live = daemon["indexes"] if daemon else {}
        quarantined = await quarantined_assets(ledger, settings.connector_max_attempts, live)
    found = [problem for problem in quarantined if not only or problem["index_id"] in only]
    if as_json:
        print_json({"quarantined": found})
    elif not found:
        out.print("No assets are in quarantine.")
    for problem in [] if as_json else found:
        out.print(f"{problem['index_id']} {text(problem['indexed_asset_id'])} ({problem['attempts']} attempts)")
        out.print(f"  {text(problem['reason'])}")
    return Exit.DONE
