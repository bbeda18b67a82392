"""`connector healthcheck`: asks the daemon on this machine whether it lives. Runs often, so it imports little."""

import http.client

from connector.cli.output import Exit, err, out, text
from connector.settings.connector_settings import Settings

_ANSWER_SEC = 5


def healthcheck(settings: Settings) -> Exit:
    """For containers: 0 when the daemon's loop lives, else 1."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.connector_http_host, settings.connector_http_host)  # noqa: S104  any address of this machine
    connection = http.client.HTTPConnection(host, settings.connector_http_port, timeout=_ANSWER_SEC)
    try:
        connection.request("GET", "/livez")
        status = connection.getresponse().status
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        err.print(text(f"The daemon does not answer on {host}:{settings.connector_http_port}: {error}"))
        return Exit.INCOMPLETE
    finally:
        connection.close()
    out.print(f"/livez answers {status}")
    return Exit.DONE if status == http.client.OK else Exit.INCOMPLETE
