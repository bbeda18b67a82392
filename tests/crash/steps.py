"""Runs the real command and kills it with SIGKILL right before its n-th step that the world outside can see.

A step is a request to the source, a request to the sink, or a commit of the ledger (see `stepping_process`).
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO


@dataclass(frozen=True, slots=True)
class Run:
    """`code` is None if the process was killed; `steps` are those that it began."""

    code: int | None
    steps: Sequence[str]
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Runner:
    """Starts the command again and again, in `directory`, with fixed settings."""

    directory: Path
    settings: Mapping[str, str]
    _orders: IO[str]
    _answers: IO[str]

    def run(
        self, *arguments: str, kill_before: int | None = None, settings: Mapping[str, str] = MappingProxyType({})
    ) -> Run:
        """Run it to its end, or to the moment before this step; the first one is 1."""
        order = {
            "arguments": arguments,
            "settings": {**self.settings, **settings},
            "directory": str(self.directory),
            "kill_before": kill_before,
        }
        self._orders.write(f"{json.dumps(order)}\n")
        self._orders.flush()
        status = int(self._answers.readline())
        texts = [place(self.directory, name).read_text(encoding="utf-8") for name in ("steps", "stdout", "stderr")]
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        code = None if killed else os.waitstatus_to_exitcode(status)
        return Run(code, texts[0].splitlines(), texts[1], texts[2])


@contextmanager
def runner(directory: Path, settings: Mapping[str, str]) -> Iterator[Runner]:
    root = Path(__file__).parents[2]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.stepping_process"],
        cwd=root,
        env=kept,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield Runner(directory, settings, process.stdin, process.stdout)
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def place(directory: Path, name: str) -> Path:
    """Where a run leaves its output."""
    return directory / f"run.{name}"
