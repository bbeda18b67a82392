"""The commands: names, options and exit codes.

Whatever is slow to import is imported on demand: help pages and completion must appear at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from connector import __version__
from connector.cli import mcp_command, search_command
from connector.cli.arguments import AsJson, ConfigFile, Indexes, Offset, PageLimit, Watch, readable, whole_number
from connector.cli.command_runs import read_settings as _settings
from connector.cli.command_runs import run_command as _run
from connector.cli.ending import exit_code
from connector.cli.help_pages import EXAMPLE_INDEX, HELP_OPTIONS, group_page, page
from connector.cli.ledger_commands import ledger
from connector.cli.quarantine_commands import quarantine
from connector.cli.reindex_commands import reindex

PROGRAM = "connector"
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

app.add_typer(quarantine, name="quarantine")
app.add_typer(reindex, name="reindex")
app.add_typer(ledger, name="ledger")


@app.command(
    cls=page("connector sync", f"connector sync --index {EXAMPLE_INDEX} --json", "connector sync --allow-deletes")
)
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
    from connector.cli.first_sync import scanning_of_first_sync

    settings = _settings(config)
    scanning = scanning_of_first_sync(settings)
    from connector.cli.commands.sync import sync as command

    cycles = command(
        settings, index or [], allow_deletes=allow_deletes, take_over=take_over, as_json=as_json, scanning=scanning
    )
    _run(cycles)


@app.command(cls=page("connector plan", f"connector plan --index {EXAMPLE_INDEX} --json"))
def plan(index: Indexes = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Show what a sync would do, including each delete. Writes and creates nothing."""
    from connector.cli.commands.dry_run import plan as command

    _run(command(_settings(config), index or [], as_json=as_json))


@app.command(
    cls=page("connector verify", f"connector verify --index {EXAMPLE_INDEX} --deep", "connector verify --repair --json")
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


app.command(cls=page(*search_command.EXAMPLES))(search_command.search)
app.command(cls=page(*mcp_command.EXAMPLES))(mcp_command.mcp)


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


@app.command(cls=page(f"connector forget {EXAMPLE_INDEX}", f"connector forget {EXAMPLE_INDEX} --yes --json"))
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
