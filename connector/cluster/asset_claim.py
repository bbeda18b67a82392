"""The claim of a running job on its asset, and the errors of those whose lease or claim has ended."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from connector.domain.errors import LedgerUnavailable, Unavailable


class LeaseLost(LedgerUnavailable):
    """This replica may not plan or delete for the index any more. Nothing was written."""

    code = "lease_lost"

    def __init__(self, index_id: str) -> None:
        cause = "this replica does not hold the lease of the index any more"
        super().__init__("write ledger", index_id, cause, "Nothing needs to be done: another replica goes on")


class Fenced(LedgerUnavailable):
    """The asset was given to another job, or its index to another replica. Nothing was written."""

    code = "fenced"

    def __init__(self, index_id: str, indexed_asset_id: str) -> None:
        cause = f"its job in index {index_id} was taken over, because this replica did not respond for a while"
        super().__init__("write ledger", indexed_asset_id, cause, "Nothing needs to be done: another replica goes on")


class AssetBusy(Unavailable):
    """A job of the asset is still outstanding, so its points cannot be deleted now."""

    def __init__(self, index_id: str, indexed_asset_id: str) -> None:
        cause = f"another replica still works on it in index {index_id}"
        super().__init__("delete points of asset", indexed_asset_id, cause, "It will be retried", side="sink")


@dataclass(slots=True)
class AssetClaim:
    """The writes of one job. `touched` are the collections to which it may have written points."""

    index_id: str
    indexed_asset_id: str
    epoch: int
    token: str
    touched: set[str] = field(default_factory=set)


CLAIM: ContextVar[AssetClaim | None] = ContextVar("claim", default=None)
"""The claim of the running job; None if the task acts for the holder of a lease."""
