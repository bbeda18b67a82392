"""The commands `connector quarantine ...`: names and options. As in `main`, slow imports are on demand."""

import typer

from connector.cli.arguments import AsJson, Assets, ConfigFile, Indexes, OneIndex
from connector.cli.command_runs import read_settings, run_command
from connector.cli.help_pages import EXAMPLE_ASSET, EXAMPLE_INDEX, group_page, page

quarantine = typer.Typer(
    cls=group_page("connector quarantine list", f"connector quarantine retry --index {EXAMPLE_INDEX}"),
    help="List, retry or drop assets that failed too often.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@quarantine.command(
    "list", cls=page("connector quarantine list", f"connector quarantine list --index {EXAMPLE_INDEX} --json")
)
def quarantine_list(index: Indexes = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List the assets that failed too often, and why."""
    from connector.cli.commands.quarantine_list import list_quarantined

    run_command(list_quarantined(read_settings(config, needs_account=False), index or [], as_json=as_json))


@quarantine.command(
    "retry",
    cls=page(
        f"connector quarantine retry --index {EXAMPLE_INDEX}",
        f"connector quarantine retry --index {EXAMPLE_INDEX} {EXAMPLE_ASSET}",
    ),
)
def quarantine_retry(
    index: OneIndex, assets: Assets = None, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Let the next cycle retry these assets; without asset ids, all quarantined assets of the index."""
    from connector.cli.commands.quarantine import release

    run_command(release(read_settings(config), "retry", index, assets or [], as_json=as_json))


@quarantine.command(
    "drop",
    cls=page(
        f"connector quarantine drop --index {EXAMPLE_INDEX}",
        f"connector quarantine drop --index {EXAMPLE_INDEX} {EXAMPLE_ASSET}",
    ),
)
def quarantine_drop(index: OneIndex, assets: Assets = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Delete the points that Qdrant still holds of these assets; without asset ids, of all quarantined ones.

    The assets stay in quarantine until they change.
    """
    from connector.cli.commands.quarantine import release

    run_command(release(read_settings(config), "drop", index, assets or [], as_json=as_json))
