"""Runs a program as a process of its own and reads what it used: time, CPU, memory."""

import os
import platform
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_BETWEEN_SAMPLES_SEC = 0.01
_KEPT = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_CONFIG")


@dataclass(frozen=True, slots=True)
class Used:
    """What an ended process used; the times are of the monotonic clock, in seconds."""

    started: float
    ended: float
    cpu_sec: float
    peak_mb: float
    code: int
    stdout: str

    @property
    def wall_sec(self) -> float:
        return self.ended - self.started


def environment(**settings: str) -> dict[str, str]:
    """Only what a program needs, so that no setting of the caller's shell changes what is measured."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return {**kept, "PYTHONPATH": path, **settings}


def run(command: Sequence[str], directory: Path, settings: Mapping[str, str]) -> Used:
    """Waits for the end. Its output is in `directory`; raises RuntimeError with it if the exit code is not 0."""
    output, errors = directory / "stdout", directory / "stderr"
    with output.open("wb") as out, errors.open("wb") as err:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=directory, env=environment(**settings), stdout=out, stderr=err)
        peak = _Peak(process.pid)
        with peak:
            _, status, usage = os.wait4(process.pid, 0)
            ended = time.monotonic()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        printed = output.read_text()[-2000:] + errors.read_text()[-4000:]
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{printed}")
    cpu = usage.ru_utime + usage.ru_stime
    return Used(started, ended, cpu, peak.megabytes, process.returncode, output.read_text(encoding="utf-8"))


class _Peak:
    """Reads the highest resident memory of a process until it ends; `ru_maxrss` would include its parent's memory.

    The sum over it and its children, of which each may have had its highest at another time.
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._done, self._highest = pid, threading.Event(), dict[int, float]()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_BETWEEN_SAMPLES_SEC):
            with suppress(OSError):
                for pid in (self._pid, *children(self._pid)):
                    self._highest[pid] = peak_megabytes(pid) or self._highest.get(pid, 0.0)

    @property
    def megabytes(self) -> float:
        return sum(self._highest.values())


def cpu_seconds(pid: int) -> float:
    """User and system time so far, of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_megabytes(pid: int) -> float:
    """0 once the process has no memory any more."""
    return _status_kilobytes(pid, "VmHWM") / 1000


def resident_megabytes(pid: int) -> float:
    return _status_kilobytes(pid, "VmRSS") / 1000


def anonymous_megabytes(pid: int) -> float:
    """The part of the resident memory that is not a page of a file."""
    return _status_kilobytes(pid, "RssAnon") / 1000


def children(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def descriptors(pid: int) -> int:
    """The number of open file descriptors."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def pause(seconds: float) -> None:
    """Lets other processes work; what they use meanwhile is what is measured."""
    threading.Event().wait(seconds)


def _status_kilobytes(pid: int, key: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return float(line.split()[1]) * 1.024
    return 0.0


def machine() -> dict[str, object]:
    """Facts about the machine, without its name."""
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(int(memory.split()[1]) / 1024**2),
        "processor": _processor(),
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
