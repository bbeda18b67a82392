"""The options of `connector mcp`."""

from typing import Annotated

import typer

from connector.cli.arguments import readable, whole_number

Http = Annotated[
    bool, typer.Option("--http", help="Serve streamable HTTP at /mcp, instead of standard input and output.")
]
Host = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="ADDRESS",
        help="With --http: address to listen on. Default 127.0.0.1; any other needs CONNECTOR_HTTP_TOKEN.",
        callback=readable,
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="N",
        parser=whole_number(0, 65_535),
        help="With --http: port; 0 picks a free one. Default 8090.",
    ),
]
Collections = Annotated[
    list[str] | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        help="Only this collection, or the one behind this alias; repeatable. Default: all of the connector.",
        callback=readable,
    ),
]
LinkBaseUrl = Annotated[
    str,
    typer.Option(
        "--link-base-url",
        metavar="URL",
        help="Where people reach the status page: it goes before the links of moments.",
        callback=readable,
    ),
]
LinkTemplate = Annotated[
    str | None,
    typer.Option(
        "--link-template",
        metavar="TEMPLATE",
        help="Links to a player of your own instead of the status page; docs/mcp.md has the placeholders.",
        callback=readable,
    ),
]
