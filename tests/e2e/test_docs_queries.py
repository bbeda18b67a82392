"""The recipes of docs/queries.md find the right segments: each is compared with a result computed without Qdrant."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.command import Ended
from tests.e2e.recipes import World, lines, synced_world

OPTIONS = ("visual", "audio", "transcription")

Payload = dict[str, Any]


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with synced_world(qdrant_binary, tmp_path_factory) as running:
        yield running


def shown(payload: Payload) -> str:
    spoken = payload["transcript"] or "-"
    return f"{payload['filename']} {payload['start_offset_sec']} {payload['end_offset_sec']} {spoken}"


def answer(ended: Ended) -> Any:
    assert ended.code == 0, ended.stderr
    return ended.json["result"]


def payloads(world: World, wanted: Callable[[Payload], bool]) -> list[Payload]:
    return [point["payload"] for point in world.points.values() if wanted(point["payload"])]


def ranked(world: World, vector: NDArray[np.float64], option: str, wanted: Callable[[Payload], bool]) -> list[str]:
    """Point ids by similarity in one option, computed without Qdrant."""
    similar = {
        key: float(np.dot(point["vectors"][option], vector))
        for key, point in world.points.items()
        if option in point["vectors"] and wanted(point["payload"])
    }
    return sorted(similar, key=lambda key: -similar[key])


def fused(world: World, wanted: Callable[[Payload], bool] = lambda _: True) -> list[Payload]:
    """By reciprocal ranks with Qdrant's constant 2."""
    vector = query_vector(world)
    scores: dict[str, float] = defaultdict(float)
    for option in OPTIONS:
        for rank, key in enumerate(ranked(world, vector, option, wanted)[:100]):
            scores[key] += 1 / (2 + rank)
    return [world.points[key]["payload"] for key in sorted(scores, key=lambda key: -scores[key])]


def query_vector(world: World) -> NDArray[np.float64]:
    script = "import moments; print(*moments.embed('goal celebration'))"
    (world.connector.directory / "vector_of_query.py").write_text(script)
    numbers = lines(world.run("vector_of_query.py"))[0].split()
    return np.array([float(number) for number in numbers])


def is_sports(payload: Payload) -> bool:
    return bool(payload["user_metadata"].get("category") == "sports")


def overlaps(world: World) -> list[Payload]:
    found = payloads(
        world,
        lambda it: (
            it["indexed_asset_id"] == world.asset_id and it["start_offset_sec"] < 20 and it["end_offset_sec"] > 10
        ),
    )
    return sorted(found, key=lambda payload: float(payload["start_offset_sec"]))


def said(payload: Payload) -> bool:
    return {"net", "nil"} <= set(re.findall(r"\w+", payload["transcript"] or ""))


def option_counts(world: World) -> dict[str, int]:
    return Counter(option for it in payloads(world, lambda _: True) for option in it["embedding_options"])


def test_filtered(world: World) -> None:
    found = lines(world.run("filtered.py"))

    assert found[0].endswith("listen to the goal celebration")
    assert found == [shown(payload) for payload in fused(world, is_sports)[:3]]


def test_overlap(world: World) -> None:
    found = lines(world.run("overlap.py"))

    assert len(found) > 1
    assert found == [shown(payload) for payload in overlaps(world)]


def test_grouped(world: World) -> None:
    groups: dict[str, list[Payload]] = defaultdict(list)
    for payload in fused(world):
        groups[payload["filename"]].append(payload)
    wanted = [
        " ".join([name, *(f"{it['start_offset_sec']}-{it['end_offset_sec']}" for it in group[:2])])
        for name, group in groups.items()
    ]

    found = lines(world.run("grouped.py"))

    assert found[0].startswith("cup-final-highlights.mp4")
    assert found == wanted[:3]


def test_words(world: World) -> None:
    found = lines(world.run("words.py"))

    assert "it is in the net, one nil" in found[0]
    assert sorted(found) == sorted(shown(payload) for payload in payloads(world, said))


def test_options(world: World) -> None:
    found = dict(line.split() for line in lines(world.run("options.py")))

    assert found == {key: str(count) for key, count in option_counts(world).items()} | {"all": str(len(world.points))}


def test_filtered_with_curl(world: World) -> None:
    found = answer(world.run("filtered.sh"))["points"]

    assert [shown(it["payload"]) for it in found] == [shown(payload) for payload in fused(world, is_sports)[:3]]


def test_overlap_with_curl(world: World) -> None:
    found = answer(world.run("overlap.sh"))["points"]

    assert [shown(it["payload"]) for it in found] == [shown(payload) for payload in overlaps(world)]


def test_grouped_with_curl(world: World) -> None:
    order = ranked(world, query_vector(world), "visual", lambda _: True)
    groups: dict[str, list[str]] = defaultdict(list)
    for key in order:
        groups[world.points[key]["payload"]["indexed_asset_id"]].append(key)

    found = answer(world.run("grouped.sh"))["groups"]

    assert [group["id"] for group in found] == list(groups)[:3]
    assert [[hit["id"] for hit in group["hits"]] for group in found] == [groups[it["id"]][:2] for it in found]


def test_words_with_curl(world: World) -> None:
    found = answer(world.run("words.sh"))["points"]

    assert found
    assert {it["id"] for it in found} == {key for key, it in world.points.items() if said(it["payload"])}


def test_options_with_curl(world: World) -> None:
    found = answer(world.run("options.sh"))["hits"]

    assert {hit["value"]: hit["count"] for hit in found} == option_counts(world)
