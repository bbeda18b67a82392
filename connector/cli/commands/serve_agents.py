"""`connector mcp`: the MCP server for agents, over stdio or HTTP. Reads only."""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from connector.cli.output import Exit, err
from connector.cli.status_reading import read_status
from connector.domain import timestamps
from connector.domain.errors import ConfigError
from connector.domain.page import Page
from connector.ledger.ledger_opening import schema_versions
from connector.search import AsyncVideoSearch
from connector.search.moment_links import link_maker
from connector.settings.connector_settings import Settings

if TYPE_CHECKING:
    from mcp.server import Server

_FOR_HOSTS = "Waiting for an MCP host on standard input; hosts start this command themselves. Press Ctrl-C to stop."
_INSTALL = "pip install 'twelvelabs-qdrant-connector[mcp]'"
_FIRST_PROBLEMS = Page(0, 1)
"""Counts are enough: the lists of assets are not shown."""
_ANY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104  compared, not listened on
_LONGEST_SEC = 3600.0
"""The tools have a limit of their own."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Links:
    """Of `connector.search`: the address before the links, and a template of your own.

    Without either, links lead to the status page of a daemon on this machine.
    """

    base_url: str = ""
    template: str | None = None


@dataclass(frozen=True, slots=True)
class HttpAddress:
    host: str
    port: int


async def serve_agents(settings: Settings, http: HttpAddress | None, links: Links, collections: Sequence[str]) -> Exit:
    """Serve until the input ends (stdio), SIGTERM or Ctrl-C. Raises ConfigError.

    Offers only these collections or aliases; none means all of the connector.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  only called from a coroutine
    _require_package()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await _serve(settings, http, links, collections)
    except asyncio.CancelledError:
        if task.cancelling() == 0:
            raise
    return Exit.DONE


async def _serve(settings: Settings, http: HttpAddress | None, links: Links, collections: Sequence[str]) -> None:
    from connector.search.agents.agent_tools import AgentTools  # noqa: PLC0415  slow
    from connector.search.agents.mcp_server import mcp_server  # noqa: PLC0415  an optional extra

    base_url = links.base_url or (_status_page(settings) if links.template is None else "")
    link = link_maker(base_url, links.template)
    async with AsyncVideoSearch.from_settings(
        settings,
        collections=collections,
        link_base_url=base_url,
        link_template=links.template,
        timeout_sec=_LONGEST_SEC,
    ) as search:
        tools = AgentTools(search, _status_of(settings), link, lambda: timestamps.text(time.time()))
        server = mcp_server(tools)
        if http is None:
            from connector.search.agents.stdio_pipes import serve_stdio  # noqa: PLC0415  an optional extra

            if sys.stdin.isatty():
                err.print(_FOR_HOSTS)
            await serve_stdio(server)
        else:
            await _serve_http(server, http, settings)


async def _serve_http(server: "Server[dict[str, object]]", http: HttpAddress, settings: Settings) -> None:
    from connector.search.agents.mcp_http import PATH, serving_http  # noqa: PLC0415  an optional extra

    token = settings.connector_http_token
    secret = token.get_secret_value() if token else None
    async with serving_http(server, http.host, http.port, secret) as port:
        log.info("mcp.listening", url=f"{_url(http.host, port)}{PATH}", token_required=secret is not None)
        await asyncio.Event().wait()


def _status_page(settings: Settings) -> str:
    """As a browser on this machine reaches it."""
    host = settings.connector_http_host
    return _url("127.0.0.1" if host in _ANY_ADDRESS else host, settings.connector_http_port)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _status_of(settings: Settings) -> Callable[[], Awaitable[Mapping[str, Any] | None]]:
    async def status() -> Mapping[str, Any] | None:
        if not (await schema_versions(settings.ledger))[0]:
            return None
        return await read_status(settings, _FIRST_PROBLEMS)

    return status


def _require_package() -> None:
    try:
        import mcp.server  # noqa: F401, PLC0415  an optional extra
    except ImportError as error:
        cause = f"its package is not installed ({error.name or 'mcp'} is missing)"
        raise ConfigError("serve", "MCP", cause, f"Run {_INSTALL}") from None
