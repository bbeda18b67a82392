"""Runs the real command as a separate process. Its environment holds only what the test passes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

TIMEOUT_SEC = 90

# Variables that every program needs; with the last one, `make coverage` measures the connector's processes.
INHERITED = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_CONFIG")

Process = subprocess.Popen[str]


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The JSON document on stdout; fails unless there is exactly one."""
        return json.loads(self.stdout)

    def index(self, index_id: str) -> dict[str, Any]:
        """The report of one index in `sync --json`."""
        found: dict[str, Any] = next(entry for entry in self.json["indexes"] if entry["index_id"] == index_id)
        return found


@dataclass(frozen=True, slots=True)
class Command:
    """`connector` with fixed settings; `directory` is its working directory and holds its data."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    module: str = "connector"

    def run(self, *arguments: str, before: Sequence[str] = (), **settings: str) -> Ended:
        """`before` is a program that starts the command."""
        return end(self._start(arguments, subprocess.PIPE, settings, before))

    def start(self, *arguments: str, stderr: int | IO[str] = subprocess.PIPE, **settings: str) -> Process:
        """Start it; the caller ends it."""
        return self._start(arguments, stderr, settings)

    def _start(
        self,
        arguments: Sequence[str],
        stderr: int | IO[str],
        settings: Mapping[str, str],
        before: Sequence[str] = (),
    ) -> Process:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return subprocess.Popen(
            [*before, sys.executable, "-m", self.module, *arguments],
            cwd=self.directory,
            env={**kept, "PYTHONPATH": str(Path(__file__).parent.parent), **self.settings, **settings},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


def interrupt(process: Process) -> None:
    process.send_signal(signal.SIGINT)


def end(process: Process) -> Ended:
    """Wait until it ends; kill it after a time limit."""
    try:
        stdout, stderr = process.communicate(timeout=TIMEOUT_SEC)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(process.returncode, stdout, stderr or "")
