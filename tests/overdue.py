"""Refreshes that are due at once, whatever the clock says."""

import sqlite3
from contextlib import closing
from pathlib import Path


def make_refreshes_due(ledger: Path) -> None:
    """As if the last retrievals were long ago. No command may use the ledger's file meanwhile."""
    with closing(sqlite3.connect(ledger)) as db, db:
        db.execute("update checkpoints set shallow_at = 1.0, deep_at = 1.0 where shallow_at is not null")
        db.execute("update indexes set canary_at = 1.0")
