"""`connector healthcheck`: asks the daemon on this machine whether it is alive. Runs often, so it imports little."""

import http.client

from connector.cli.output import Exit, err, out, text
from connector.settings.connector_settings import Settings

_ANSWER_SEC = 5


def healthcheck(settings: Settings) -> Exit:
    """Return 0 if the daemon's event loop is alive, else 1."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.connector_http_host, settings.connector_http_host)  # noqa: S104  any address of this machine
    connection = http.client.HTTPConnection(host, settings.connector_http_port, timeout=_ANSWER_SEC)
    try:
        connection.request("GET", "/livez")
        status = connection.getresponse().status
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        err.print(text(f"The daemon does not respond on {host}:{settings.connector_http_port}: {error}"))
        return Exit.INCOMPLETE
    finally:
        connection.close()
    out.print(f"/livez responded with {status}")
    return Exit.DONE if status == http.client.OK else Exit.INCOMPLETE
