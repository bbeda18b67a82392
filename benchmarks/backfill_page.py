"""The figures of a backfill as a table and as a plot. Pure functions."""

from collections.abc import Mapping
from typing import Any

from benchmarks.backfill import CONTENDERS
from benchmarks.bars import Bar, bars
from benchmarks.library import SECONDS_PER_RANGE
from benchmarks.tables import number, table

_HEAD = (
    "",
    "segments/s",
    "without start-up",
    "seconds",
    "CPU s",
    "source CPU s",
    "Qdrant CPU s",
    "peak MB",
    "requests",
)
_KEYS = (
    "segments_per_sec",
    "work_segments_per_sec",
    "wall_sec",
    "cpu_sec",
    "source_cpu_sec",
    "qdrant_cpu_sec",
    "peak_mb",
    "requests",
)


def show(result: Mapping[str, Any]) -> str:
    """Medians of all contenders, then the ratios."""
    middle = result["medians"]
    rows = [[name, *(number(middle[name][key]) for key in _KEYS)] for name in CONTENDERS]
    ratios = [[name, f"{value:.2f}"] for name, value in result["ratios"].items()]
    sizes = f"{result['assets']:,} assets, {result['segments']:,} segments, {result['points']:,} points"
    rounds = len(result["rounds"]["connector"])
    head = f"{sizes}; medians of {rounds} round{'s' if rounds > 1 else ''}.\n"
    whole = (
        f"10,000 hours of such videos take the connector {number(hours(result, 10_000))} h, if the rate allows it.\n"
    )
    return "\n".join((head, table(_HEAD, rows), whole, table(("the connector is better than", "times"), ratios)))


def hours(result: Mapping[str, Any], of_video: float) -> float:
    """How long the connector works on so many hours of video, without its start-up."""
    measured, worked = float(result["points"]) * SECONDS_PER_RANGE, float(result["medians"]["connector"]["work_sec"])
    return of_video * worked / measured


def plots(name: str, result: Mapping[str, Any]) -> Mapping[str, str]:
    middle = result["medians"]
    shown = [Bar(one, middle[one]["work_segments_per_sec"]) for one in CONTENDERS]
    used = [Bar(one, middle[one]["cpu_sec"] * 1e6 / result["segments"]) for one in CONTENDERS]
    return {
        f"{name}-speed.svg": bars("Segments per second, without start-up", shown),
        f"{name}-cpu.svg": bars("CPU of the program, microseconds per segment", used),
    }
