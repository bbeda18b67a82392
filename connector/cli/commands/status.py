"""`connector status`: the state in the ledger and of the daemon that owns it. Asks neither source nor sink itself."""

import asyncio
import time

from connector.cli.daemon_http import reasons
from connector.cli.output import Exit, print_json
from connector.cli.status_reading import is_asked, read_status
from connector.cli.status_view import print_status
from connector.domain.page import Page
from connector.settings.connector_settings import Settings

_ANSWER_SEC = 8.0


async def status(settings: Settings, page: Page, *, as_json: bool) -> Exit:
    document = await read_status(settings, page)
    if daemon := document["daemon"]:
        not_ready = await asyncio.to_thread(reasons, settings, _ANSWER_SEC) if is_asked(daemon) else {}
        document["daemon"] = {**daemon, "not_ready": not_ready}
    if as_json:
        print_json(document)
    else:
        print_status(document, time.time())
    return Exit.DONE
