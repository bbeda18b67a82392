"""A signal ends every command properly, from the first moment at which the process can handle one."""

import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.command import Command, Process, end
from tests.comparing import differences
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at the start of the process through /proc")

SIGNALS = [signal.SIGTERM, signal.SIGINT]


def handles(number: signal.Signals, process: Process) -> bool:
    status = (Path("/proc") / str(process.pid) / "status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << (number - 1))


def has_loaded(library: str, process: Process) -> bool:
    return library in (Path("/proc") / str(process.pid) / "maps").read_text()


def either_handled(daemon: Running) -> bool:
    return all(handles(number, daemon.process) for number in SIGNALS)


def loaded(library: str) -> Callable[[Running], bool]:
    return lambda daemon: has_loaded(library, daemon.process)


def exists(name: str) -> Callable[[Running], bool]:
    return lambda daemon: (daemon.log.parent / "data" / name).exists()


MOMENTS: dict[str, Callable[[Running], bool]] = {
    "the interpreter is up": either_handled,
    "settings are being loaded": loaded("pydantic_core"),
    "arrays are being loaded": loaded("numpy"),
    "the Qdrant client is being loaded": loaded("cygrpc"),
    "the ledger is locked": exists("ledger.lock"),
    "the ledger is open": exists("ledger.sqlite3"),
    "it listens": lambda daemon: daemon.get("/livez")[0] == 200,
}


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_while_the_daemon_starts_ends_it_with_0(
    connector: Command, moment: str, number: signal.Signals
) -> None:
    with running(connector, wait=False) as daemon:
        wait_until(partial(MOMENTS[moment], daemon), PATIENCE_SEC, moment)
        daemon.process.send_signal(number)
        ended = end(daemon.process)

    assert (ended.code, daemon.log.read_text().count("Traceback")) == (0, 0)


@pytest.mark.parametrize("library", ["pydantic_core", "numpy", "cygrpc"])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_a_command_is_loaded_ends_it_with_130(
    connector: Command, library: str, number: signal.Signals
) -> None:
    process = connector.start("sync", "--json")
    wait_until(lambda: has_loaded(library, process), PATIENCE_SEC, f"{library} is loaded")
    process.send_signal(number)
    ended = end(process)

    assert differences(ended, code=130, stdout="", stderr="") == {}


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_status_starts_to_watch_ends_it_with_0(connector: Command, number: signal.Signals) -> None:
    process = connector.start("status", "--watch")
    # Python itself handles SIGINT from the beginning; the connector handles SIGTERM last.
    wait_until(lambda: handles(signal.SIGTERM, process), PATIENCE_SEC, "signals are handled")
    process.send_signal(number)

    ended = end(process)
    assert (ended.code, ended.stderr) == (0, "")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_the_server_for_agents_is_loaded_ends_it_with_0(
    connector: Command, number: signal.Signals
) -> None:
    process = connector.start("mcp", "--http", "--port", "0")
    wait_until(lambda: has_loaded("pydantic_core", process), PATIENCE_SEC, "the settings are being loaded")
    process.send_signal(number)
    ended = end(process)

    assert differences(ended, code=0, stdout="", stderr="") == {}
