"""The queue of jobs as a port: the holder's end of it."""

from collections.abc import Collection, Mapping
from typing import Protocol

from connector.cluster.job_order import JobOrder, JobOutcome


class JobQueue(Protocol):
    """All methods raise LedgerUnavailable."""

    async def submit(self, order: JobOrder) -> bool:
        """Add the job. False if one of the same asset is outstanding. Raises LeaseLost."""

    async def outcomes(self, epochs: Mapping[str, int]) -> dict[int, JobOutcome]:
        """The outcomes for the holder of these indexes with these epochs, by number. They stay until `confirm`."""

    async def confirm(self, numbers: Collection[int]) -> None:
        """These outcomes were handed on."""

    async def withdraw(self, index_id: str) -> set[str]:
        """Remove the jobs of the index that no worker has begun; return their assets."""

    async def forget_earlier(self, index_id: str, epoch: int) -> None:
        """Remove what the index's holders of earlier epochs have left. Their running jobs are fenced."""

    async def outstanding(self, index_id: str, indexed_asset_ids: Collection[str]) -> set[str]:
        """Those of the assets that have a job, waiting or running."""
