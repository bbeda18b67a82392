"""`connector ledger migrate / copy`: the ledger between schema versions, and between SQLite and PostgreSQL."""

from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

from connector.cli.output import Exit, counted, err, number, print_json, put, text
from connector.domain.errors import ConfigError
from connector.domain.ledger_place import LedgerPlace
from connector.domain.masking import hide
from connector.domain.postgres_url import postgres_secrets, postgres_url
from connector.ledger.copying import copy_ledger, digest_of
from connector.ledger.ledger_opening import make_directory, open_store, open_tables, owned, schema_versions
from connector.settings.connector_settings import Settings

_FILE = "sqlite:"
_CONFIGURED = "configured"
_SHOWN_EVERY = 10_000


async def migrate(settings: Settings, *, as_json: bool) -> Exit:
    """Create the configured ledger, or migrate it. Raises LedgerUnavailable, also if a process owns it."""
    place = settings.ledger
    if place.url is None:
        make_directory(place.directory)
    found, _ = await schema_versions(place)
    async with owned(place, "ledger migrate", 0) as lease, open_store(place, lease=lease):
        version, _ = await schema_versions(place)
    if as_json:
        print_json({"ledger": str(place), "found_version": found, "version": version})
    elif found == version:
        put(f"{text(place)} has schema version {version} already.")
    elif found:
        put(f"{text(place)} is migrated from schema version {found} to {version}.")
    else:
        put(f"{text(place)} is created with schema version {version}.")
    return Exit.DONE


async def copy(settings: Settings, given_source: str, given_target: str, *, as_json: bool) -> Exit:
    """Neither ledger may be in use. Raises ConfigError for a place that is none, or LedgerUnavailable."""
    source, target = (_place(settings, it) for it in (given_source, given_target))
    if source == target:
        raise ConfigError("copy ledger", str(source), "source and target are the same", "Name another target")
    await _refuse_missing(source)
    if target.url is None:
        make_directory(target.directory)
    async with AsyncExitStack() as stack:
        for place in sorted((source, target), key=str):
            await stack.enter_async_context(owned(place, "ledger copy", 0))
        read = await stack.enter_async_context(open_tables(source, read_only=True))
        written = await stack.enter_async_context(open_tables(target, read_only=False))
        contents = await copy_ledger(read, written, _told)
    digest = digest_of(contents)
    if as_json:
        tables = {table: asdict(content) for table, content in contents.items()}
        print_json({"from": str(source), "to": str(target), "digest": digest, "tables": tables})
        return Exit.DONE
    for table, content in contents.items():
        put(f"{table}: {counted(content.rows, 'row')}")
    put(f"Copied and compared: {text(source)} to {text(target)}, digest {digest[:16]}.")
    put("The original is left as it is. Set CONNECTOR_LEDGER_URL, and do not use both.")
    return Exit.DONE


def _told(table: str, rows: int) -> None:
    if rows % _SHOWN_EVERY == 0 and err.is_terminal:
        err.print(f"{table}: {number(rows)} rows")


def _place(settings: Settings, given: str) -> LedgerPlace:
    """`sqlite:PATH`, the path of a directory or file; `sqlite`, the file in the data directory; a URL; `configured`."""
    if given == _CONFIGURED:
        return settings.ledger
    if given == _FILE.rstrip(":"):
        return LedgerPlace(settings.connector_data_dir)
    if given.startswith(_FILE):
        path = Path(given.removeprefix(_FILE))
        return LedgerPlace(path) if path.is_dir() else LedgerPlace(path.parent, file_name=path.name)
    hide(postgres_secrets(given))
    try:
        return LedgerPlace(settings.connector_data_dir, postgres_url(given))
    except ValueError as error:
        advice = f"Or use sqlite:PATH, or {_CONFIGURED} for the ledger of CONNECTOR_LEDGER_URL"
        raise ConfigError("copy ledger", "", str(error), advice) from None


async def _refuse_missing(source: LedgerPlace) -> None:
    found, supported = await schema_versions(source)
    if not found:
        raise ConfigError("copy ledger", str(source), "there is no ledger", "Name a ledger that exists")
    if source.url is not None and found != supported:
        cause = f"it has schema version {found}, and this release has {supported}"
        raise ConfigError("copy ledger", str(source), cause, "Run `connector ledger migrate` first")
