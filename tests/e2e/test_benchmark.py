"""One tiny round of `make bench`: it works, and all three programs write the same points. Its times mean nothing."""

from pathlib import Path

from tests.command import Command


def test_the_main_benchmark_works(qdrant_binary: Path, tmp_path: Path) -> None:
    command = Command(tmp_path, {"QDRANT_BIN": str(qdrant_binary)}, module="benchmarks")

    ended = command.run("backfill", "--quick", "--rounds", "1", "--json")

    assert ended.code == 0, ended.stderr
    assert ended.json["backfill"]["medians"].keys() == {"loop", "pipe", "connector"}
    assert ended.json["backfill"]["medians"]["connector"]["requests"] == 5
