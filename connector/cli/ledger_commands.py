"""The commands `connector ledger ...`: names and options. As in `main`, slow imports are on demand."""

from typing import Annotated

import typer

from connector.cli.arguments import AsJson, ConfigFile, readable
from connector.cli.command_runs import read_settings, run_command
from connector.cli.help_pages import group_page, page

_LEDGERS = (
    "sqlite:PATH; sqlite for the file in the data directory; configured for the ledger of CONNECTOR_LEDGER_URL; "
    "or a postgresql:// URL, which other users of the machine can see."
)

ledger = typer.Typer(
    cls=group_page("connector ledger migrate", "connector ledger copy sqlite configured"),
    help="Migrate the ledger, or copy it between SQLite and PostgreSQL.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@ledger.command("migrate", cls=page("connector ledger migrate", "connector ledger migrate --json"))
def ledger_migrate(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Create the ledger's tables, or migrate those of an earlier release, as `connector run` does at its start."""
    from connector.cli.commands.ledger import migrate as command

    run_command(command(read_settings(config, needs_account=False), as_json=as_json))


@ledger.command(
    "copy",
    cls=page(
        "connector ledger copy sqlite configured",
        "connector ledger copy configured sqlite:backup/ledger.sqlite3 --json",
    ),
)
def ledger_copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help=_LEDGERS, callback=readable)],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same. It must be empty.", callback=readable)],
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Copy a ledger, in one transaction, and compare both. No process may use them meanwhile."""
    from connector.cli.commands.ledger import copy as command

    run_command(command(read_settings(config, needs_account=False), source, target, as_json=as_json))
