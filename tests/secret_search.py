"""Searches what commands print, and their log files, for the secrets that the tests gave them.

`tests/command.py`, `tests/terminal.py` and `tests/e2e/daemon.py` report here; a fixture fails the test that leaked.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

from connector.domain.masking import SHORTEST
from connector.settings.connector_settings import SECRETS


@dataclass(slots=True)
class _Log:
    file: Path
    secrets: Mapping[str, str]
    size: int = 0


@dataclass(slots=True)
class SecretSearch:
    """Log files are kept, and read again when they have grown."""

    _found: list[str] = field(default_factory=list)
    _logs: list[_Log] = field(default_factory=list)

    def printed(self, environment: Mapping[str, str], *texts: str) -> None:
        """A command with this environment has printed these texts."""
        self._look(secrets_in(environment), "\n".join(texts), "its output")

    def writes(self, environment: Mapping[str, str], log: Path) -> None:
        """A command with this environment writes this log."""
        self._logs.append(_Log(log, secrets_in(environment)))

    def leaks(self) -> list[str]:
        """What was found since the last call."""
        for log in self._logs:
            size = log.file.stat().st_size if log.file.exists() else 0
            if size != log.size:
                log.size = size
                self._look(log.secrets, log.file.read_text(errors="surrogateescape"), log.file.name)
        found, self._found = self._found, []
        return found

    def _look(self, secrets: Mapping[str, str], text: str, where: str) -> None:
        self._found += [f"{name} in {where}" for name, secret in secrets.items() if holds(text, secret)]


SEARCH = SecretSearch()
"""The one of this process."""


def secrets_in(environment: Mapping[str, str]) -> dict[str, str]:
    """Variable -> secret, also those that are in files. Those that are too short to be masked are left out."""
    names = [name.upper() for name in SECRETS]
    given = {name: environment[name] for name in names if environment.get(name)}
    files = {name: Path(environment[f"{name}_FILE"]) for name in names if environment.get(f"{name}_FILE")}
    given |= {name: file.read_text(errors="surrogateescape") for name, file in files.items() if file.is_file()}
    stripped = {name: secret.strip() for name, secret in given.items()}
    return {name: secret for name, secret in stripped.items() if len(secret) >= SHORTEST}


def holds(text: str, secret: str) -> bool:
    """True if the secret is in the text, as it is or in a quoted, escaped or encoded form."""
    written = (repr(secret)[1:-1], ascii(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe=""))
    encoded = base64.b64encode(secret.encode(errors="surrogateescape")).decode().rstrip("=")
    return any(form in text for form in {secret, *written, quote(secret), quote_plus(secret), encoded})
