"""Where the ledger is: a file in the data directory, or a PostgreSQL database."""

from dataclasses import dataclass, field
from pathlib import Path

from connector.domain.postgres_url import shown_postgres_url

LEDGER_FILE = "ledger.sqlite3"


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """`url` is that of a PostgreSQL database, with its password; None for the file."""

    directory: Path
    url: str | None = field(default=None, repr=False)
    file_name: str = LEDGER_FILE
    part: str = ""
    """Tells apart the ledgers in one database: empty, or the directory of a reindex below the data directory."""

    @property
    def file(self) -> Path:
        return self.directory / self.file_name

    @property
    def lock(self) -> Path:
        """Advisory lock of the process that owns the file."""
        return self.directory / "ledger.lock"

    def __str__(self) -> str:
        """For people: the file, or the URL without its password."""
        if self.url is None:
            return str(self.file)
        return f"{shown_postgres_url(self.url)}{f' ({self.part})' if self.part else ''}"
