"""The commands: names, options and exit codes.

Whatever is slow to import is imported on demand: help pages and completion must appear at once.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector import __version__
from connector.cli.arguments import (
    AsJson,
    Assets,
    ConfigFile,
    Indexes,
    Offset,
    OneIndex,
    PageLimit,
    Watch,
    readable,
    whole_number,
    words,
)
from connector.cli.command_runs import read_settings as _settings
from connector.cli.command_runs import run_command as _run
from connector.cli.ending import exit_code
from connector.cli.help_pages import HELP_OPTIONS, group_page, page
from connector.cli.mcp_arguments import Collections, Host, Http, LinkBaseUrl, LinkTemplate, Port
from connector.cli.reindex_commands import reindex
from connector.cli.search_arguments import (
    After,
    Before,
    Filters,
    Group,
    Merge,
    OptionNames,
    Similar,
)

if TYPE_CHECKING:
    from connector.search import SearchOptions

PROGRAM = "connector"
_LEDGERS = (
    "sqlite:PATH; sqlite for the file in the data directory; configured for the ledger of CONNECTOR_LEDGER_URL; "
    "or a postgresql:// URL, which other users of the machine can see."
)
INDEX, ASSET = "66aa00000000000000000001", "66ab00000000000000000001"  # in the examples

app = typer.Typer(
    name=PROGRAM,
    cls=group_page("connector demo", "connector check", "connector sync --json", "connector search 'goal celebration'"),
    context_settings=HELP_OPTIONS,
    help="Keeps the segment embeddings of TwelveLabs indexes current in your own Qdrant.",
    epilog="Exit codes: 0 done; 1 done, but something failed, was deferred or withheld; 2 invalid settings or command "
    "line; 3 at least one index could not be synced; 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

quarantine = typer.Typer(
    cls=group_page("connector quarantine list", f"connector quarantine retry --index {INDEX}"),
    help="List, retry or drop assets that failed too often.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(quarantine, name="quarantine")
app.add_typer(reindex, name="reindex")

ledger = typer.Typer(
    cls=group_page("connector ledger migrate", "connector ledger copy sqlite configured"),
    help="Migrate the ledger, or copy it between SQLite and PostgreSQL.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(ledger, name="ledger")


@app.command(cls=page("connector sync", f"connector sync --index {INDEX} --json", "connector sync --allow-deletes"))
def sync(
    index: Indexes = None,
    allow_deletes: Annotated[
        bool,
        typer.Option("--allow-deletes", help="Show the deletes, and allow them beyond the limits, for this run only."),
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Claim indexes that another connector owns in Qdrant.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Sync each index to Qdrant: run one full cycle, then exit.

    Writes new and changed assets and deletes those that left the index. Changes nothing else.
    """
    from connector.cli.commands.sync import sync as command

    settings = _settings(config)
    _run(command(settings, index or [], allow_deletes=allow_deletes, take_over=take_over, as_json=as_json))


@app.command(cls=page("connector plan", f"connector plan --index {INDEX} --json"))
def plan(index: Indexes = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Show what a sync would do, including each delete. Writes and creates nothing."""
    from connector.cli.commands.dry_run import plan as command

    _run(command(_settings(config), index or [], as_json=as_json))


@app.command(
    cls=page("connector verify", f"connector verify --index {INDEX} --deep", "connector verify --repair --json")
)
def verify(
    index: Indexes = None,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Also retrieve a sample of 20 assets of each index, and compare their vectors."),
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what differs, by a full cycle. The limits of deletes apply.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Compare TwelveLabs, ledger and Qdrant asset by asset, and name each difference.

    Reads the payload of every point. Changes nothing without --repair.
    """
    from connector.cli.commands.verify import verify as command

    settings = _settings(config)
    _run(command(settings, index or [], deep=deep, repair=repair, as_json=as_json))


@app.command(cls=page("connector check", "connector check --config connector.toml --json", "connector check --keys"))
def check(
    keys: Annotated[
        bool,
        typer.Option("--keys", help="Only settings and keys. A service that cannot be reached is not an error."),
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Check settings, key, indexes, Qdrant, collections and ledger. Read-only."""
    from connector.cli.commands.check import check as command

    _run(command(_settings(config), keys_only=keys, as_json=as_json))


@app.command("config", cls=page("connector config", "connector config --json"))
def show_settings(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Show the effective settings, each with its source, and every mistake. Secrets are masked."""
    from connector.cli.commands.config import show

    raise typer.Exit(show(config, as_json=as_json))


@app.command(cls=page("connector status", "connector status --watch", "connector status --offset 100 --limit 50"))
def status(
    watch: Watch = False,
    offset: Offset = 0,
    limit: PageLimit = 100,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show the state of each index from the ledger: counts, lag, last cycle, failed and quarantined assets."""
    if watch:
        from connector.cli.commands.status_watch import watch_status as command
    else:
        from connector.cli.commands.status import status as command
    from connector.domain.page import Page

    _run(command(_settings(config, needs_account=False), Page(offset, limit), as_json=as_json))


@app.command(
    cls=page(
        "connector search 'goal celebration'",
        f"connector search 'goal celebration' --index {INDEX} --limit 3 --json",
        "connector search 'red car' --filter category=sports --after 2026-01-01 --group",
        "connector search 'they sing' --option audio --merge 2",
        f"connector search --similar {INDEX}/{ASSET}@12.5",
    )
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
    settings = _settings(config)
    _run(command(settings, what or "", asked, index or [], as_json=as_json))


@app.command(
    cls=page(
        "connector mcp",
        "connector mcp --link-base-url https://connector.example.com",
        "connector mcp --http --port 8090",
        "connector mcp --collection videos",
    )
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
    settings = _settings(config, needs_account=False)
    _run(serve_agents(settings, address, Links(link_base_url, link_template), collection or []))


@app.command(
    cls=page(
        "connector simulate",
        "connector simulate --port 0 --assets 1000 --json",
        "connector simulate --scenario world.toml",
    )
)
def simulate(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on.", callback=readable)
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", parser=whole_number(0, 65_535), help="Port; 0 picks a free one.")
    ] = 8765,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole_number(0, 2**63 - 1), help="Seed for ids, videos and noise. Default 7."),
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file with indexes, assets and faults.")
    ] = None,
    assets: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=whole_number(0, 1_000_000), help="Total number of videos, at most 1000000. Default 12."
        ),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The only accepted key. Default: any non-empty key.", callback=readable),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the first line as JSON.")] = False,
) -> None:
    """Serve a simulated TwelveLabs API for development and tests without an account."""
    from connector.cli.commands.simulate import scenario_of
    from connector.cli.commands.simulate import simulate as command

    _run(command(scenario_of(scenario, seed, assets), host, port, api_key, as_json=as_json))


@app.command(cls=page("connector demo"))
def demo() -> None:
    """Show a complete sync on simulated videos. Needs no key and no server."""
    from connector.cli.commands.demo import demo as command
    from connector.telemetry import logs

    logs.set_up("warning")
    _run(command())


@app.command(cls=page("connector run", "connector run --config connector.toml"))
def run(config: ConfigFile = None) -> None:
    """Run the daemon: keep the indexes current until SIGTERM or Ctrl-C.

    Polls for new assets, compares everything once per reconcile interval, and refreshes metadata that listings do not
    show. Accepts webhooks if CONNECTOR_WEBHOOK_SECRET is set. Serves health checks on
    CONNECTOR_HTTP_HOST:CONNECTOR_HTTP_PORT.
    """
    from connector.cli.commands.run import run as command

    _run(command(_settings(config), config))


@app.command(cls=page("connector healthcheck"))
def healthcheck(config: ConfigFile = None) -> None:
    """Check whether the daemon on this machine is alive; for containers."""
    from connector.cli.commands.healthcheck import healthcheck as command

    raise typer.Exit(command(_settings(config)))


@quarantine.command("list", cls=page("connector quarantine list", f"connector quarantine list --index {INDEX} --json"))
def quarantine_list(index: Indexes = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List the assets that failed too often, and why."""
    from connector.cli.commands.quarantine_list import list_quarantined

    _run(list_quarantined(_settings(config, needs_account=False), index or [], as_json=as_json))


@quarantine.command(
    "retry",
    cls=page(f"connector quarantine retry --index {INDEX}", f"connector quarantine retry --index {INDEX} {ASSET}"),
)
def quarantine_retry(
    index: OneIndex, assets: Assets = None, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Let the next cycle retry these assets; without asset ids, all quarantined assets of the index."""
    from connector.cli.commands.quarantine import release

    _run(release(_settings(config), "retry", index, assets or [], as_json=as_json))


@quarantine.command(
    "drop", cls=page(f"connector quarantine drop --index {INDEX}", f"connector quarantine drop --index {INDEX} {ASSET}")
)
def quarantine_drop(index: OneIndex, assets: Assets = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Delete the points that Qdrant still holds of these assets; without asset ids, of all quarantined ones.

    The assets stay in quarantine until they change.
    """
    from connector.cli.commands.quarantine import release

    _run(release(_settings(config), "drop", index, assets or [], as_json=as_json))


@ledger.command("migrate", cls=page("connector ledger migrate", "connector ledger migrate --json"))
def ledger_migrate(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Create the ledger's tables, or migrate those of an earlier release, as `connector run` does at its start."""
    from connector.cli.commands.ledger import migrate as command

    _run(command(_settings(config, needs_account=False), as_json=as_json))


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

    _run(command(_settings(config, needs_account=False), source, target, as_json=as_json))


@app.command(cls=page(f"connector forget {INDEX}", f"connector forget {INDEX} --yes --json"))
def forget(
    index: Annotated[str, typer.Argument(metavar="INDEX", help="The index id.", callback=readable)],
    yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Remove all points and ledger rows of an index, after confirmation."""
    from connector.cli.commands.forget import forget as command

    _run(command(_settings(config), index, yes=yes, as_json=as_json))


@app.command("generate-key", cls=page("connector generate-key /run/qdrant-key/api_key"))
def generate_key(file: Annotated[Path, typer.Argument(metavar="FILE", help="File for the key.")]) -> None:
    """Write a random key into a file, for a Qdrant server, unless it has one. Its group may read it, others may not."""
    from connector.cli.commands.generate_key import generate_key as command

    raise typer.Exit(command(file))


def version(shown: bool) -> None:
    if shown:
        typer.echo(f"connector {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; exit with the exit code of the command."""
    sys.exit(exit_code(lambda: app(prog_name=PROGRAM), sys.argv[1:]))
