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
from weakref import WeakKeyDictionary

from tests.fork_server import ROOT, fork_server
from tests.secret_search import SEARCH

TIMEOUT_SEC = 90

# Variables that every program needs; with the last one, `make coverage` measures the connector's processes.
PLAIN = ("PATH", "HOME", "LANG")
INHERITED = (*PLAIN, "COVERAGE_PROCESS_CONFIG")

# The connector's own variables; others may be for the interpreter or a library, which read them when they are loaded.
FORKED_WITH = (*PLAIN, "PYTHONPATH")
OWN = ("CONNECTOR_", "TWELVELABS_", "QDRANT_")

Process = subprocess.Popen[str]
_ENVIRONMENTS: WeakKeyDictionary[Process, Mapping[str, str]] = WeakKeyDictionary()


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
        environment = self._environment(settings)
        if before or not self._can_be_forked(environment):
            return end(self._start(arguments, subprocess.PIPE, environment, before))
        server = fork_server(tuple((name, environment[name]) for name in FORKED_WITH if name in environment))
        ended = Ended(*server.run(arguments, self.directory, environment, TIMEOUT_SEC))
        SEARCH.printed(environment, ended.stdout, ended.stderr)
        return ended

    def start(self, *arguments: str, stderr: int | IO[str] = subprocess.PIPE, **settings: str) -> Process:
        """Start it; the caller ends it."""
        return self._start(arguments, stderr, self._environment(settings))

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {**kept, "PYTHONPATH": str(ROOT), **self.settings, **settings}

    def _can_be_forked(self, environment: Mapping[str, str]) -> bool:
        """Under `make coverage` no command can: it measures from the start of the interpreter."""
        others = {name for name in environment if not name.startswith(OWN)}
        return sys.platform == "linux" and self.module == "connector" and others <= set(FORKED_WITH)

    def _start(
        self,
        arguments: Sequence[str],
        stderr: int | IO[str],
        environment: Mapping[str, str],
        before: Sequence[str] = (),
    ) -> Process:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", self.module, *arguments],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        _ENVIRONMENTS[process] = environment
        if not isinstance(stderr, int):
            SEARCH.writes(environment, Path(stderr.name))
        return process


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
    SEARCH.printed(_ENVIRONMENTS.get(process, {}), stdout or "", stderr or "")
    return Ended(process.returncode, stdout, stderr or "")
