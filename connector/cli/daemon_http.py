"""Asks the daemon on this machine over its HTTP listener. Imports little, because `healthcheck` runs often."""

import http.client
import json
from typing import Any

from connector.settings.connector_settings import Settings


def address(settings: Settings) -> str:
    return f"{_host(settings)}:{settings.connector_http_port}"


def get(settings: Settings, path: str, timeout_sec: float) -> tuple[int, bytes]:
    """Status and body. Raises OSError, UnicodeError or HTTPException without a response."""
    connection = http.client.HTTPConnection(_host(settings), settings.connector_http_port, timeout=timeout_sec)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def reasons(settings: Settings, timeout_sec: float) -> dict[str, str]:
    """Why the daemon is not ready, as `/readyz` says; empty if it is."""
    try:
        document: Any = json.loads(get(settings, "/readyz", timeout_sec)[1])
        return {str(name): str(reason) for name, reason in document["reasons"].items()}
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        return {"listener": f"it does not respond on {address(settings)}: {error}"}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {"listener": f"another program responds on {address(settings)}: check CONNECTOR_HTTP_PORT"}


def _host(settings: Settings) -> str:
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  any address of this machine
    return anywhere.get(settings.connector_http_host, settings.connector_http_host)
