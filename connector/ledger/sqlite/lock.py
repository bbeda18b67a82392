"""Advisory lock of the process that owns the ledger. The operating system releases it even after a crash."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.domain.errors import LedgerUnavailable
from connector.ledger.ownership import LockHeld, described_owner


@contextmanager
def hold_lock(path: Path, command: str) -> Iterator[None]:
    """Hold the lock until the block ends.

    Raises LockHeld, which names the owner, or LedgerUnavailable if the file cannot be used.
    """
    try:
        file = path.open("ab", buffering=0)
    except OSError as error:
        advice = "Make the directory writable for this user, or set CONNECTOR_DATA_DIR"
        raise LedgerUnavailable("lock ledger", str(path), str(error), advice) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            cause = f"it belongs to {recorded_owner(path)}"
            raise LockHeld("lock ledger", str(path), cause, "Wait until it ends") from None
        owner = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "command": command})
        try:
            file.truncate(0)
            file.write(owner.encode())
        except OSError as error:
            advice = "Check that its directory is writable and has free space"
            raise LedgerUnavailable("lock ledger", str(path), str(error), advice) from error
        yield
        file.truncate(0)


def recorded_owner(path: Path) -> str:
    """The last owner as written in the lock file, for messages."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return described_owner(known["command"], known["pid"], known["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def owning_command(path: Path) -> str | None:
    """The command of the process that owns the ledger: None without an owner, empty if the file does not name it."""
    try:
        with path.open("r", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                known = json.loads(path.read_text(encoding="utf-8") or "{}")
                return str(known.get("command", "")) if isinstance(known, dict) else ""
    except (OSError, ValueError):
        return None
    return None
