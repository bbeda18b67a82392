"""Signals during the import of a command, which takes more than a second. Imports no slow modules."""

import atexit
import os
import signal
from collections.abc import Sequence
from types import FrameType

_DONE, _INTERRUPTED = 0, 130
_SERVERS = ("run", "simulate", "mcp")
_ENDED_BY_CTRL_C = ("run", "mcp")


def end_on_signals(arguments: Sequence[str]) -> None:
    """Exit at once on a signal, because no work has started. The command's own handlers replace these."""
    command = arguments[0] if arguments else None
    watching = command == "status" and "--watch" in arguments
    signal.signal(signal.SIGINT, _end_done if watching or command in _ENDED_BY_CTRL_C else _end_interrupted)
    signal.signal(signal.SIGTERM, _end_done if watching or command in _SERVERS else _end_interrupted)
    if command == "run":
        if not hangup_is_ignored():
            signal.signal(signal.SIGHUP, _end_done if has_terminal() else _do_nothing)
        atexit.register(_ignore)


def hangup_is_ignored() -> bool:
    """True if the parent made SIGHUP ignored, as nohup does: the end of the terminal must not end the process."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def has_terminal() -> bool:
    """True if the process has a controlling terminal. Under systemd and in a container it has none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def raise_keyboard_interrupt() -> None:
    """Make Ctrl-C raise KeyboardInterrupt again, which asyncio needs to cancel the work."""
    if signal.getsignal(signal.SIGINT) is _end_interrupted:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_done(_: int, __: FrameType | None) -> None:
    os._exit(_DONE)


def _end_interrupted(_: int, __: FrameType | None) -> None:
    os._exit(_INTERRUPTED)


def _do_nothing(_: int, __: FrameType | None) -> None:
    """The settings are not read yet, so there is nothing to reload."""


def _ignore() -> None:
    """Ignore signals at interpreter exit, which resets other handlers; a signal would then change the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
