"""One tiny round of `make bench`: it works, and all three programs write the same points. Its times mean nothing."""

from pathlib import Path

import pytest

from tests.command import Command


def test_the_main_benchmark_works(qdrant_binary: Path, tmp_path: Path) -> None:
    command = Command(tmp_path, {"QDRANT_BIN": str(qdrant_binary)}, module="benchmarks")

    ended = command.run("backfill", "--quick", "--rounds", "1", "--json")

    assert ended.code == 0, ended.stderr
    assert ended.json["backfill"]["medians"].keys() == {"loop", "pipe", "connector"}
    assert ended.json["backfill"]["medians"]["connector"]["requests"] == 5


@pytest.mark.soak
def test_the_benchmark_of_searches_works(qdrant_binary: Path, tmp_path: Path) -> None:
    """Each way finds what it is made for; fused is better than any single option."""
    command = Command(tmp_path, {"QDRANT_BIN": str(qdrant_binary)}, module="benchmarks")

    ended = command.run("search", "--quick", "--json")

    assert ended.code == 0, ended.stderr
    ways = ended.json["search"]["ways"]
    assert ways["visual"]["recall"]["seen"] > 0.9 > ways["audio"]["recall"]["seen"]
    assert ways["words of the transcript (BM25)"]["recall"]["exact"] > 0.9
    assert ways["TwelveLabs' search"]["recall"]["all"] > 0.9
    singly = max(ways[option]["recall"]["all"] for option in ("visual", "audio", "transcription"))
    for better in ("fused", "fused, near ones only", "hybrid", "fused, int8, oversampling 2"):
        assert ways[better]["recall"]["all"] > singly
    assert ways["fused, near ones only"]["empty"] == ways["TwelveLabs' search"]["empty"] == 1
