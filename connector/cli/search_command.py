"""The command `connector search`: its options. As in `main`, slow imports are on demand."""

from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.arguments import AsJson, ConfigFile, Indexes, whole_number, words
from connector.cli.command_runs import read_settings, run_command
from connector.cli.help_pages import EXAMPLE_ASSET, EXAMPLE_INDEX
from connector.cli.search_arguments import After, Before, Filters, Group, Merge, OptionNames, Similar

if TYPE_CHECKING:
    from connector.search import SearchOptions

EXAMPLES = (
    "connector search 'goal celebration'",
    f"connector search 'goal celebration' --index {EXAMPLE_INDEX} --limit 3 --json",
    "connector search 'red car' --filter category=sports --after 2026-01-01 --group",
    "connector search 'they sing' --option audio --merge 2",
    f"connector search --similar {EXAMPLE_INDEX}/{EXAMPLE_ASSET}@12.5",
)


def search(
    query: Annotated[str | None, typer.Argument(metavar="TEXT", help="Text to search for.", callback=words)] = None,
    index: Indexes = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="N", parser=whole_number(1, 1000), help="Maximum number of hits per model, 1 to 1000."
        ),
    ] = 10,
    filters: Filters = None,
    after: After = None,
    before: Before = None,
    option: OptionNames = None,
    group: Group = False,
    merge: Merge = None,
    similar: Similar = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Find the video moments that match a text, across all embedding options.

    Filters, dates and options narrow the search; all of them must hold.
    """
    from connector.cli.commands.search import search as command
    from connector.cli.typed_search import filters_of, segment_of

    if (query is None) == (similar is None):
        raise typer.BadParameter("give either a TEXT or --similar")
    asked: SearchOptions = {
        "limit": limit,
        "filters": filters_of(filters or [], after, before),
        "options": option or None,
        "group_by_asset": group,
        "merge_gap_sec": merge,
    }
    what = query if similar is None else segment_of(similar)
    settings = read_settings(config)
    run_command(command(settings, what or "", asked, index or [], as_json=as_json))
