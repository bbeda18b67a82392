"""`connector healthcheck`: asks the daemon on this machine whether it is alive. Runs often, so it imports little."""

import http.client

from connector.cli.daemon_http import address, get
from connector.cli.output import Exit, err, out, text
from connector.settings.connector_settings import Settings

_ANSWER_SEC = 5


def healthcheck(settings: Settings) -> Exit:
    """Return 0 if the daemon's event loop is alive, else 1."""
    try:
        status, _ = get(settings, "/livez", _ANSWER_SEC)
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        err.print(text(f"The daemon does not respond on {address(settings)}: {error}"))
        return Exit.INCOMPLETE
    out.print(f"/livez responded with {status}")
    return Exit.DONE if status == http.client.OK else Exit.INCOMPLETE
