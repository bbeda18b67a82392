"""The commands `connector reindex ...`: names and options. As in `main`, slow imports are on demand."""

from typing import Annotated

import typer

from connector.cli.arguments import AsJson, ConfigFile, alias_name, readable, share
from connector.cli.command_runs import read_settings, run_command
from connector.cli.help_pages import group_page, page

_INTO = "--into videos-v2"

reindex = typer.Typer(
    cls=group_page(
        f"connector reindex start videos {_INTO}",
        "connector reindex switch videos",
        "connector reindex rollback videos",
    ),
    help="Fill a second collection with other settings, and move an alias that searchers use.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Alias = Annotated[
    str, typer.Argument(metavar="ALIAS", help="The alias in Qdrant that searchers use.", callback=alias_name)
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting of the new collection that differs; repeatable. Only settings that shape points.",
        callback=readable,
    ),
]
Into = Annotated[
    str | None,
    typer.Option(
        "--into",
        metavar="NAME",
        help="Name of the new collection, to which its model is added. Sets CONNECTOR_COLLECTION.",
        callback=readable,
    ),
]
CreateAlias = Annotated[
    bool, typer.Option("--create-alias", help="If there is no such alias yet, let it point to the present collection.")
]


def changes_of(into: str | None, changes: list[str]) -> list[str]:
    """NAME=VALUE texts."""
    return [*([] if into is None else [f"CONNECTOR_COLLECTION={into}-{{model}}"]), *changes]


@reindex.command(
    "plan",
    cls=page(
        f"connector reindex plan videos {_INTO}",
        f"connector reindex plan videos {_INTO} --set CONNECTOR_EMBEDDING_OPTIONS=visual,audio --json",
    ),
)
def reindex_plan(
    alias: Alias,
    into: Into = None,
    changes: Changes = None,
    create_alias: CreateAlias = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show what a reindex would move, and what it costs. Writes and creates nothing."""
    from connector.cli.commands.reindex_plan import plan as command

    settings = read_settings(config)
    run_command(command(settings, alias, changes_of(into, changes or []), create_alias=create_alias, as_json=as_json))


@reindex.command(
    "start",
    cls=page(
        f"connector reindex start videos {_INTO}",
        f"connector reindex start videos {_INTO} --create-alias",
        "connector reindex start videos --follow",
    ),
)
def reindex_start(
    alias: Alias,
    into: Into = None,
    changes: Changes = None,
    create_alias: CreateAlias = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Keep the new collection current, until the alias has moved.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Fill the new collection until a cycle has nothing left to do. To resume after an interruption, start it again."""
    from connector.cli.commands.reindex_start import start as command

    settings = read_settings(config)
    run_command(
        command(
            settings, alias, changes_of(into, changes or []), create_alias=create_alias, follow=follow, as_json=as_json
        )
    )


@reindex.command("status", cls=page("connector reindex status videos", "connector reindex status videos --json"))
def reindex_status(alias: Alias, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Show how far a reindex is, where the alias points, and what blocks it."""
    from connector.cli.commands.reindex_status import reindex_status as command

    run_command(command(read_settings(config, needs_account=False), alias, as_json=as_json))


@reindex.command(
    "switch", cls=page("connector reindex switch videos", "connector reindex switch videos --min-recall 0.9 --json")
)
def reindex_switch(
    alias: Alias,
    min_recall: Annotated[
        float | None,
        typer.Option(
            "--min-recall",
            metavar="SHARE",
            parser=share,
            help="The least share of common neighbours, 0 to 1. Default: 0.95, with another model 0.3.",
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Catch up, verify, compare what searchers find, and only then move the alias in one request."""
    from connector.cli.commands.reindex_switch import switch as command

    run_command(command(read_settings(config), alias, min_recall=min_recall, as_json=as_json))


@reindex.command("rollback", cls=page("connector reindex rollback videos", "connector reindex rollback videos --json"))
def reindex_rollback(alias: Alias, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Move the alias back to the old collection, in one request, if that one is still whole. Needs Qdrant only."""
    from connector.cli.commands.reindex_rollback import rollback as command

    run_command(command(read_settings(config, needs_account=False), alias, as_json=as_json))
