"""A body that is scanned in a process of its own gives the same asset, whatever happens to that process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from connector.domain.source_model import RetrievedAsset
from connector.twelvelabs import asset_scanning
from connector.twelvelabs.asset_scanning import AssetReader
from connector.twelvelabs.response_body import ResponseBody
from connector.twelvelabs.scanning_process import NotScannedError, ScanningProcess
from tests.fakes.bodies import ASSET, OPTIONS
from tests.unit.asset_texts import damaged, facts_of, ordinary, received, reference, result, texts, zipped
from tests.waiting import wait_until

LONG = ordinary(60)
assert len(LONG) > asset_scanning.LONG
SECONDS = 60.0


@pytest.fixture(scope="module")
def started() -> Iterator[ScanningProcess]:
    process = ScanningProcess()
    wait_until_ready(process)
    yield process
    process.close()


@pytest.fixture
def process() -> Iterator[ScanningProcess]:
    process = ScanningProcess()
    yield process
    process.close()


def wait_until_ready(process: ScanningProcess) -> None:
    wait_until(lambda: scanned(process, received(b"{}")) != "elsewhere", SECONDS, "the process is ready")


def scanned(process: ScanningProcess, body: ResponseBody) -> RetrievedAsset | str | None:
    try:
        return process.scan(OPTIONS, "marengo3.0", body, ASSET, transcript=True)
    except NotScannedError:
        return "elsewhere"


def pid_of(process: ScanningProcess) -> int:
    assert process._worker
    return process._worker.process.pid


def reader(process: ScanningProcess) -> AssetReader:
    return AssetReader(OPTIONS, "marengo3.0", transcript=True, process=process)


@pytest.mark.parametrize("chunk", [100, 10_000, 1_000_000])
@pytest.mark.parametrize("gzipped", [False, True])
def test_the_asset_is_the_same(started: ScanningProcess, chunk: int, gzipped: bool) -> None:
    body = received(zipped(LONG) if gzipped else LONG, chunk, zipped=gzipped)
    found = scanned(started, body)

    assert isinstance(found, RetrievedAsset)
    assert body.size == len(LONG)
    assert facts_of(found) == facts_of(reference(body))


def test_matrices_that_need_memory_of_their_own_are_the_same(started: ScanningProcess) -> None:
    body = received(zipped(ordinary(2100)), 50_000, zipped=True, limit=10**8)

    assert facts_of(reader(started).read(body, ASSET)) == facts_of(reference(body))


@given(data=damaged(texts()), chunk=st.integers(1, 60), gzipped=st.booleans())
def test_any_body_ends_as_with_the_reference(started: ScanningProcess, data: bytes, chunk: int, gzipped: bool) -> None:
    body = received(zipped(data) if gzipped else data, chunk, zipped=gzipped)
    found = scanned(started, body)
    event("scanned" if found else "left to the reference")

    assert not isinstance(found, str)
    assert found is None or facts_of(found) == facts_of(reference(body))


def test_metadata_that_is_nested_deeply_is_left_to_the_reference(started: ScanningProcess) -> None:
    nested = b'{"a": ' * 900 + b"1" + b"}" * 900
    body = received(LONG.replace(b'"user_metadata": {', b'"user_metadata": {"b": ' + nested + b", "))
    pid = pid_of(started)

    assert result(lambda: reader(started).read(body, ASSET)) == result(lambda: reference(body))
    assert pid_of(started) == pid


def test_while_it_starts_the_body_is_scanned_here(process: ScanningProcess) -> None:
    body = received(LONG)

    assert facts_of(reader(process).read(body, ASSET)) == facts_of(reference(body))
    wait_until_ready(process)
    assert facts_of(reader(process).read(body, ASSET)) == facts_of(reference(body))


def test_started_before_it_is_ready_for_the_first_body(process: ScanningProcess) -> None:
    process.start()
    pid = pid_of(process)
    assert process._worker
    wait_until(process._worker.is_ready, SECONDS, "the process is ready")

    assert isinstance(scanned(process, received(LONG)), RetrievedAsset)
    assert pid_of(process) == pid


def test_killed_between_two_bodies_it_starts_again(process: ScanningProcess) -> None:
    wait_until_ready(process)
    killed = pid_of(process)
    os.kill(killed, signal.SIGKILL)

    assert facts_of(reader(process).read(received(LONG), ASSET)) == facts_of(reference(received(LONG)))
    wait_until_ready(process)
    assert pid_of(process) != killed


class _KillsAfterTheFirst(list[bytes | memoryview]):
    """Chunks, of which the second is asked for when the process that gets them has been killed."""

    def __init__(self, chunks: list[bytes | memoryview], process: ScanningProcess) -> None:
        super().__init__(chunks)
        self._process = process

    def __iter__(self) -> Iterator[bytes | memoryview]:
        chunks = super().__iter__()
        yield next(chunks)
        if self._process._worker:
            self._process._worker.process.kill()
        yield from chunks


def test_killed_while_it_reads_a_body_that_is_scanned_here(process: ScanningProcess) -> None:
    wait_until_ready(process)
    body = received(ordinary(1000), 300_000, limit=10**8)
    whole = facts_of(reference(body))
    body.chunks = _KillsAfterTheFirst(body.chunks, process)

    assert facts_of(reader(process).read(body, ASSET)) == whole


def test_an_interrupt_from_the_terminal_does_not_end_it(process: ScanningProcess) -> None:
    wait_until_ready(process)
    os.kill(pid_of(process), signal.SIGINT)

    assert isinstance(scanned(process, received(LONG)), RetrievedAsset)


def test_closed_it_is_gone_and_stays_away() -> None:
    process = ScanningProcess()
    wait_until_ready(process)
    pid = pid_of(process)
    process.close()

    assert not Path(f"/proc/{pid}").exists()
    assert scanned(process, received(LONG)) == "elsewhere"
    assert process._worker is None


def test_it_ends_when_the_program_is_killed() -> None:
    program = (
        "from tests.unit.test_scanning_process import *\n"
        "process = ScanningProcess(); wait_until_ready(process)\n"
        "print(pid_of(process), flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as started:
        assert started.stdout
        pid = int(started.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        started.kill()
    wait_until(lambda: not running(pid), SECONDS, "the process has ended")


def running(pid: int) -> bool:
    """An ended one may stay in the table until the init process looks."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false", "/bin/cat"])
def test_where_it_cannot_start_bodies_are_scanned_here(
    process: ScanningProcess, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(sys, "executable", program)

    def no_start_is_left() -> bool:
        assert facts_of(reader(process).read(received(LONG), ASSET)) == facts_of(reference(received(LONG)))
        return not process._starts_left and not process._worker

    wait_until(no_start_is_left, SECONDS, "no further start is tried")


def test_with_one_core_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    process = ScanningProcess()

    assert scanned(process, received(LONG)) == "elsewhere"
    assert process._worker is None


def test_modules_in_the_current_directory_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pickle", "numpy", "msgspec"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    process = ScanningProcess()
    try:
        wait_until_ready(process)
    finally:
        process.close()
