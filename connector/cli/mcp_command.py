"""The command `connector mcp`: its options. As in `main`, slow imports are on demand."""

from typing import Annotated

import typer

from connector.cli.arguments import ConfigFile, readable, whole_number
from connector.cli.command_runs import read_settings, run_command

EXAMPLES = (
    "connector mcp",
    "connector mcp --link-base-url https://connector.example.com",
    "connector mcp --http --port 8090",
)


def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Serve streamable HTTP at /mcp, instead of standard input and output.")
    ] = False,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="With --http: address to listen on. Default 127.0.0.1; any other needs CONNECTOR_HTTP_TOKEN.",
            callback=readable,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=whole_number(0, 65_535), help="With --http: port; 0 picks a free one. Default 8090."
        ),
    ] = None,
    link_base_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Where people reach the status page: it goes before the links of moments.",
            callback=readable,
        ),
    ] = "",
    link_template: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help="Links to a player of your own instead of the status page; docs/mcp.md has the placeholders.",
            callback=readable,
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Serve the stored videos to AI agents over the Model Context Protocol: search, transcripts, coverage. Read-only.

    Agents start it themselves and talk to it over standard input and output; with --http it serves many.
    """
    from connector.cli.commands.serve_agents import HttpAddress, Links, serve_agents

    if not http and (host is not None or port is not None):
        raise typer.BadParameter("--host and --port need --http")
    address = HttpAddress(host or "127.0.0.1", 8090 if port is None else port) if http else None
    settings = read_settings(config, needs_account=False)
    run_command(serve_agents(settings, address, Links(link_base_url, link_template)))
