"""The first sync of a library: the hand-written loop, the bare pipe and `connector sync`, in turn."""

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders.task import Task
from benchmarks.library import INDEX_ID, Library
from benchmarks.processes import Used, cpu_seconds, run
from benchmarks.same_points import Written, differences, read
from benchmarks.stage import Source, client_of, connector, connector_settings, fresh_qdrant, prepared_source, report_of
from tests.qdrant_server import QdrantServer

CONTENDERS = ("loop", "pipe", "connector")
COLLECTION = "twelvelabs-marengo3.0"
LONG = Library(assets=16, segments=(300, 300, 300))
SHORT = Library(assets=5000, segments=(4, 3, 3))
QUICK = Library(assets=3, segments=(8, 5, 8))
QUICK_SHORT = Library(assets=40, segments=(4, 3, 3))


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one contender. `work_sec`: from its first request to the source until its process ended."""

    wall_sec: float
    work_sec: float
    cpu_sec: float
    source_cpu_sec: float
    qdrant_cpu_sec: float
    peak_mb: float
    requests: float
    segments_per_sec: float
    work_segments_per_sec: float


def measure(library: Library, rounds: int, contenders: Sequence[str] = CONTENDERS) -> dict[str, list[Measured]]:
    """In each round every contender copies the library into an empty Qdrant; all must have written the same points."""
    found: dict[str, list[Measured]] = {name: [] for name in contenders}
    with prepared_source(library) as source:
        for number in range(rounds):
            expected: Written | None = None
            for name in _in_turn(contenders, number):
                measured, written = _one(name, source, library)
                found[name].append(measured)
                expected = expected or written
                check(name, library, expected, written)
                print(f"  round {number + 1}, {name}: {measured.wall_sec:.1f} s", file=sys.stderr, flush=True)
    return found


def _in_turn(contenders: Sequence[str], number: int) -> Iterator[str]:
    """Another one begins in each round, so that none always has the warm or the cold machine."""
    first = number % len(contenders)
    yield from (*contenders[first:], *contenders[:first])


def check(name: str, library: Library, expected: Written, written: Written) -> None:
    assert len(written.payloads) == library.points_in_all, (name, len(written.payloads))
    assert not (wrong := differences(expected, written)), (name, wrong)


def _one(name: str, source: Source, library: Library) -> tuple[Measured, Written]:
    with tempfile.TemporaryDirectory(prefix="bench-") as path, fresh_qdrant() as server:
        source.take_counters()
        pid = server.pid
        source_before, qdrant_before = source.cpu_sec(), cpu_seconds(pid)
        used = _contend(name, source, server, Path(path))
        counters, source_cpu = source.take_counters(), source.cpu_sec() - source_before
        qdrant_cpu = cpu_seconds(pid) - qdrant_before
        with client_of(server) as client:
            written = read(client, COLLECTION)
    work = used.ended - counters["first_at"]
    measured = Measured(
        wall_sec=used.wall_sec,
        work_sec=work,
        cpu_sec=used.cpu_sec,
        source_cpu_sec=source_cpu,
        qdrant_cpu_sec=qdrant_cpu,
        peak_mb=used.peak_mb,
        requests=counters["requests"],
        segments_per_sec=library.segments_in_all / used.wall_sec,
        work_segments_per_sec=library.segments_in_all / work,
    )
    return measured, written


def _contend(name: str, source: Source, server: QdrantServer, directory: Path) -> Used:
    if name == "connector":
        used = run(connector("sync", "--json"), directory, connector_settings(source.base_url, server, directory))
        assert report_of(used.stdout)["failed"] == 0, used.stdout
        return used
    task = Task(source.base_url, INDEX_ID, server.url, server.grpc_port, COLLECTION)
    return run([sys.executable, "-m", f"benchmarks.contenders.{name}", task.text()], directory, {})


def medians(found: dict[str, list[Measured]]) -> dict[str, dict[str, float]]:
    """Contender -> figure -> median of its rounds."""
    return {
        name: {key: statistics.median(getattr(one, key) for one in rounds) for key in asdict(rounds[0])}
        for name, rounds in found.items()
    }


def ratios(middle: dict[str, dict[str, float]]) -> dict[str, float]:
    """How many times as fast the connector is, and how many times its CPU the other uses, which load changes less."""
    ours = middle["connector"]
    others = {name: theirs for name, theirs in middle.items() if name != "connector"}
    return {
        ratio: value
        for name, theirs in others.items()
        for ratio, value in (
            (f"{name}: segments/s, whole process", ours["segments_per_sec"] / theirs["segments_per_sec"]),
            (f"{name}: segments/s, without start-up", ours["work_segments_per_sec"] / theirs["work_segments_per_sec"]),
            (f"{name}: CPU of the program", theirs["cpu_sec"] / ours["cpu_sec"]),
        )
    }


def result(library: Library, rounds: int) -> dict[str, Any]:
    found = measure(library, rounds)
    middle = medians(found)
    return {
        "assets": library.assets,
        "segments": library.segments_in_all,
        "points": library.points_in_all,
        "rounds": {name: [asdict(one) for one in runs] for name, runs in found.items()},
        "medians": middle,
        "ratios": ratios(middle),
    }
