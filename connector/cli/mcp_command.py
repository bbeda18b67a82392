"""The command `connector mcp`. As in `main`, slow imports are on demand."""

import typer

from connector.cli.arguments import ConfigFile
from connector.cli.command_runs import read_settings, run_command
from connector.cli.mcp_arguments import Collections, Host, Http, LinkBaseUrl, LinkTemplate, Port

EXAMPLES = (
    "connector mcp",
    "connector mcp --link-base-url https://connector.example.com",
    "connector mcp --http --port 8090",
    "connector mcp --collection videos",
)


def mcp(
    http: Http = False,
    host: Host = None,
    port: Port = None,
    collection: Collections = None,
    link_base_url: LinkBaseUrl = "",
    link_template: LinkTemplate = None,
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
    run_command(serve_agents(settings, address, Links(link_base_url, link_template), collection or []))
