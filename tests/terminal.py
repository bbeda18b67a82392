"""Runs the real command on a terminal of a given size, and keeps what its screen showed."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from tests.command import INHERITED, TIMEOUT_SEC, Command
from tests.secret_search import SEARCH

_TOKENS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+")
_INCOMPLETE = re.compile(r"(\x1b(\[[0-9;?]*)?)?\Z")
_OTHER_SCREEN = ("\x1b[?1049h", "\x1b[?1049l")
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
"""Its standard input becomes its controlling terminal, so that Ctrl-C and changes of the size reach the command."""
_HEIGHT = 50


@dataclass(slots=True)
class Screen:
    """Understands what Rich sends: line feeds, cursor up and home, erased lines, the other screen. Drops colours.

    `frames` are the states of the screen, one before each erased line or whole redraw.
    """

    rows: list[str] = field(default_factory=lambda: [""])
    frames: list[str] = field(default_factory=list)
    _x: int = 0
    _y: int = 0
    _cut: str = ""

    def feed(self, sent: str) -> None:
        received = self._cut + sent
        self._cut = _INCOMPLETE.search(received)[0]  # type: ignore[index]  # it always matches
        for token in _TOKENS.findall(received.removesuffix(self._cut)):
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

    def shrink(self, width: int, height: int) -> None:
        """As a terminal does on the screen of a program that draws all of it."""
        self.rows = [row[:width] for row in self.rows[:height]]
        self._y = min(self._y, len(self.rows) - 1)

    def _control(self, token: str) -> None:
        if token.endswith("A"):
            self._y = max(0, self._y - int(token[2:-1] or 1))
        elif token.endswith("K"):
            self.frames.append("\n".join(self.rows))
            self.rows[self._y] = ""
        elif token.endswith("H"):
            self.frames.append("\n".join(self.rows))
            self._x = self._y = 0
        elif token in _OTHER_SCREEN:
            self.rows, self._x, self._y = [""], 0, 0

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
    with terminal(command, *arguments, width=width, settings=settings) as running:
        return running.end()


@dataclass(slots=True)
class Terminal:
    """A command that runs on a terminal."""

    process: "subprocess.Popen[bytes]"
    screen: Screen
    _descriptor: int
    _environment: Mapping[str, str]
    sent: str = ""
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def shows(self, what: str | Callable[[str], bool], seconds: float = TIMEOUT_SEC) -> str:
        """Wait until this text is on the screen, or until the screen satisfies the condition; return the screen."""
        condition = what if callable(what) else lambda text: what in text
        deadline = time.monotonic() + seconds
        while not condition(self.text):
            left = deadline - time.monotonic()
            if left <= 0 or not self._receive(left):
                raise TimeoutError(f"not on the screen: {what!r}\n{self.text}")
        return self.text

    def resize(self, width: int, height: int = _HEIGHT) -> None:
        self.screen.shrink(width, height)
        _set_size(self._descriptor, width, height)

    def press_ctrl_c(self) -> None:
        os.write(self._descriptor, b"\x03")

    def end(self) -> Shown:
        """Read until the command ends."""
        while self._receive(TIMEOUT_SEC):
            pass
        SEARCH.printed(self._environment, self.sent)
        return Shown(self.process.wait(TIMEOUT_SEC), self.sent, self.screen)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.lines)

    def _receive(self, seconds: float) -> bool:
        """False at the end: when the last process closes the terminal, which Linux reports as an error."""
        if not select.select([self._descriptor], [], [], seconds)[0]:
            raise TimeoutError(f"nothing was shown for {seconds:g} seconds\n{self.text}")
        try:
            part = os.read(self._descriptor, 65_536)
        except OSError:
            return False
        text = self._decoder.decode(part)
        self.sent += text
        self.screen.feed(text)
        return bool(part)


@contextmanager
def terminal(
    command: Command,
    *arguments: str,
    width: int = 80,
    height: int = _HEIGHT,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Terminal]:
    """Start the command as the foreground process of a terminal of its own; kill it at the end if it still runs."""
    ours, theirs = pty.openpty()
    _set_size(theirs, width, height)
    environment = _environment(command.settings, settings)
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_TERMINAL, "-m", command.module, *arguments],
        cwd=command.directory,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, Screen(), ours, environment)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        os.close(ours)


def _set_size(descriptor: int, width: int, height: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def _environment(*settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    given = {name: value for some in settings for name, value in some.items()}
    return {**kept, "TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parent.parent), **given}
