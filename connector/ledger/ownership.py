"""The process that owns the ledger, and the error of the others."""

from connector.domain.errors import LedgerUnavailable


class LockHeld(LedgerUnavailable):
    """Another process owns the ledger."""


def described_owner(command: object, pid: object, host: object) -> str:
    return f"`connector {command}`, process {pid} on {host}"
