"""CheckpointStore in SQLite: one file, one writing process, every commit durable against power loss."""

from pathlib import Path

from connector.ledger.checkpoint_store import SqlCheckpointStore
from connector.ledger.database import BUSY_TIMEOUT_SEC
from connector.ledger.sqlite.sqlite_file import SqliteFile


class SqliteCheckpointStore(SqlCheckpointStore):
    """Reads counts and lists over connections of their own: they wait for no write, and no write for them."""

    def __init__(self, path: Path, *, read_only: bool = False, busy_sec: float = BUSY_TIMEOUT_SEC) -> None:
        super().__init__(
            SqliteFile(path, read_only=read_only, busy_sec=busy_sec),
            counts=SqliteFile(path, read_only=True, busy_sec=busy_sec),
            lists=SqliteFile(path, read_only=True, busy_sec=busy_sec),
        )
