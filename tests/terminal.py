"""Runs the real command on a terminal of a given width, and keeps what its screen showed."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.command import INHERITED, TIMEOUT_SEC, Command

_TOKENS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+")
_HEIGHT = 50


@dataclass(slots=True)
class Screen:
    """Understands what Rich sends: line feeds, cursor up, erased lines. Colours are dropped.

    `frames` are the states of the screen, one before each erased line.
    """

    rows: list[str] = field(default_factory=lambda: [""])
    frames: list[str] = field(default_factory=list)
    _x: int = 0
    _y: int = 0

    def feed(self, sent: str) -> None:
        for token in _TOKENS.findall(sent):
            if token == "\r":
                self._x = 0
            elif token == "\n":
                self._y += 1
                self.rows += [""] * (self._y + 1 - len(self.rows))
            elif token.startswith("\x1b"):
                self._control(token)
            else:
                row = self.rows[self._y].ljust(self._x)
                self.rows[self._y] = row[: self._x] + token + row[self._x + len(token) :]
                self._x += len(token)

    def _control(self, token: str) -> None:
        if token.endswith("A"):
            self._y = max(0, self._y - int(token[2:-1] or 1))
        elif token.endswith("K"):
            self.frames.append("\n".join(self.rows))
            self.rows[self._y] = ""

    @property
    def lines(self) -> list[str]:
        return [row.rstrip() for row in self.rows]


@dataclass(frozen=True, slots=True)
class Shown:
    """`sent` is the raw stream of stdout and stderr together."""

    code: int
    sent: str
    screen: Screen

    @property
    def text(self) -> str:
        return "\n".join(self.screen.lines)


def on_terminal(command: Command, *arguments: str, width: int = 80, **settings: str) -> Shown:
    """Run the command to its end with all three standard streams on one terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _HEIGHT, width, 0, 0))
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", command.module, *arguments],
            cwd=command.directory,
            env=_environment(command.settings, settings),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        sent = _read(ours)
        code = process.wait(TIMEOUT_SEC)
    finally:
        os.close(ours)
    screen = Screen()
    screen.feed(sent)
    return Shown(code, sent, screen)


def _environment(*settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    given = {name: value for some in settings for name, value in some.items()}
    return {**kept, "TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parent.parent), **given}


def _read(terminal: int) -> str:
    """Everything until the last process closes the terminal, which Linux reports as an error."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)
