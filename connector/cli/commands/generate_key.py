"""`connector generate-key`: a random key in a file, made once; for the Qdrant of the Compose stack."""

import os
import secrets
import tempfile
from pathlib import Path

from connector.cli.output import Exit, put, text
from connector.domain.errors import ConfigError

_BYTES = 32
_MODE = 0o640


def generate_key(file: Path) -> Exit:
    """Keep a key that is there. Raises ConfigError if the file cannot be written."""
    try:
        known = file.exists() and file.read_text(encoding="utf-8").strip()
        if not known:
            _write(file, secrets.token_hex(_BYTES) + "\n")
    except (OSError, UnicodeDecodeError) as error:
        cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
        advice = "Its directory must exist and be writable for this user"
        raise ConfigError("write key to", str(file), cause, advice) from error
    put(f"{text(file)} has a key{'' if known else ', newly generated'}")
    return Exit.DONE


def _write(file: Path, content: str) -> None:
    """Write the whole file in one step: no reader ever sees an incomplete key."""
    descriptor, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            os.fchmod(descriptor, _MODE)
            opened.write(content)
            opened.flush()
            os.fsync(descriptor)
        Path(unfinished).replace(file)
    except BaseException:
        Path(unfinished).unlink()
        raise
