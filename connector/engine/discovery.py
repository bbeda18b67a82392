"""Which indexes are synced: the configured ones, or with `*` those of the account."""

from collections.abc import Collection, Iterable

from connector.domain.errors import ConfigError
from connector.domain.source_model import Index
from connector.ports import IndexStates, Source

ALL_INDEXES = ("*",)


async def synced(configured: tuple[str, ...], source: Source, ledger: IndexStates) -> tuple[str, ...]:
    """Ids of the indexes to sync, in a stable order. Raises ConfigError if `*` finds none."""
    if configured != ALL_INDEXES:
        return configured
    return of_account(await source.indexes(), await ledger.known())


def of_account(indexes: Iterable[Index], known: Collection[str]) -> tuple[str, ...]:
    """The indexes that `*` selects: the account's Marengo indexes, and those in the ledger.

    Indexes in the ledger are included so that their deletion is noticed. Raises ConfigError if there is none, because
    syncing nothing would look like success.
    """
    found = tuple(dict.fromkeys([*(index.index_id for index in indexes if index.model), *known]))
    if not found:
        cause = "CONNECTOR_INDEXES is *, and no index of the account has a Marengo model"
        advice = "Create one in TwelveLabs, or check that TWELVELABS_API_KEY belongs to the right account"
        raise ConfigError("find indexes", "", cause, advice)
    return found
