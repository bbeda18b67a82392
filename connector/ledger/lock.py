"""Advisory lock of the process that owns the ledger. The operating system releases it even after a crash."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.domain.errors import LedgerUnavailable


class LockHeld(LedgerUnavailable):
    """Another process owns the ledger."""


@contextmanager
def hold_lock(path: Path, command: str) -> Iterator[None]:
    """Hold the lock until the block ends.

    Raises LockHeld, which names the owner, or LedgerUnavailable if the file cannot be used.
    """
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        advice = "Make the directory writable for this user, or set CONNECTOR_DATA_DIR"
        raise LedgerUnavailable("lock ledger", str(path), str(error), advice) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            cause = f"it belongs to {recorded_owner(path)}"
            raise LockHeld("lock ledger", str(path), cause, "Wait until it ends") from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "command": command}))
        file.flush()
        yield
        file.truncate(0)


def recorded_owner(path: Path) -> str:
    """The last owner as written in the lock file, for messages."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return f"`connector {known['command']}`, process {known['pid']} on {known['host']}"
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
