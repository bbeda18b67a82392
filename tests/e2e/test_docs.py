"""Claims and recipes of README.md and docs/, checked on data that the connector synced from the simulator."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from connector.simulator import run_in_thread
from tests.command import Command
from tests.e2e import oracle
from tests.e2e.pages import RECIPES, code, section, table
from tests.e2e.recipes import COLLECTION, World, lines, run, synced_world, write_recipes

OTHER_RECIPES = ("grouped", "words", "options")


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with synced_world(qdrant_binary, tmp_path_factory) as running:
        yield running


def test_a_collection_made_beforehand_is_adopted_as_it_is(world: World) -> None:
    config = world.client.get_collection(COLLECTION).config

    assert (world.made.code, world.synced.code) == (0, 0), world.made.stderr + world.synced.stderr
    assert (world.made.stderr, "warning" in world.synced.stderr.lower()) == ("", False)
    assert config.quantization_config is not None
    stamp = (config.metadata or {})["twelvelabs_connector"]
    assert (stamp["model"], stamp["dimension"]) == ("marengo3.0", 512)
    assert set(stamp) <= set(code(section("docs/payload.md", "Collections")))


def test_the_point_id_recipe_gives_the_ids_that_are_stored(world: World) -> None:
    path = world.connector.directory / "point_id.py"
    point_id = runpy.run_path(str(path))["point_id"]
    keys = ("index_id", "indexed_asset_id", "embedding_model", "embedding_scope", "start_offset_sec", "end_offset_sec")

    assert world.points
    for key, point in world.points.items():
        assert point_id(*(point["payload"][name] for name in keys)) == key
    assert lines(world.run("point_id.py"))[0] in RECIPES["point_id.py"]


def test_the_payload_table_lists_every_key_with_its_type(world: World) -> None:
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "list of string": list,
        "object": dict,
    }
    documented = {code(key)[0]: kind for key, kind, _, _ in table("docs/payload.md", "Payload")}

    found = [point["payload"] for point in world.points.values()]
    assert documented.keys() - found[0].keys() == {"hls_url"}
    for payload in found:
        assert payload.keys() <= documented.keys()
        for key, value in payload.items():
            kind, _, absent = documented[key].partition(" or ")
            assert isinstance(value, kinds[kind]) or (value is None and absent == "null"), (key, value)


def test_with_media_links_every_documented_key_is_present(world: World) -> None:
    documented = {code(key)[0] for key, *_ in table("docs/payload.md", "Payload")}
    settings = {
        "CONNECTOR_MEDIA_LINKS": "true",
        "CONNECTOR_COLLECTION": "linked-{model}",
        "CONNECTOR_DATA_DIR": "linked",
    }

    synced = world.connector.run("sync", CONNECTOR_INDEXES=world.index_id, **settings)

    found = oracle.stored(world.client, "linked-marengo3.0", world.index_id)
    assert synced.code == 0, synced.stderr
    assert found
    assert {frozenset(point["payload"]) for point in found.values()} == {frozenset(documented)}


def test_the_payload_table_lists_every_payload_index(world: World) -> None:
    documented = {code(key)[0]: index for key, _, index, _ in table("docs/payload.md", "Payload") if index}
    assert documented.pop("user_metadata") == "your keys, by `CONNECTOR_METADATA_INDEXES`"

    schema = world.client.get_collection(COLLECTION).payload_schema
    kinds = {key: index.data_type.value for key, index in schema.items()}
    tenant = getattr(schema["index_id"].params, "is_tenant", None)

    assert kinds == {key: kind.split(",")[0] for key, kind in documented.items()} | {
        "user_metadata.category": "keyword"
    }
    assert (tenant, documented["index_id"]) == (True, "keyword, tenant")


def test_a_lost_ledger_is_adopted_from_the_points(world: World) -> None:
    ended = world.connector.run("sync", "--json", CONNECTOR_DATA_DIR="another")

    assert ended.code == 0, ended.stderr
    report = ended.index(world.index_id)
    assert (report["unchanged"], report["points_written"]) == (report["listed"], 0)


def test_the_official_sdk_recipe_lists_every_video(world: World) -> None:
    """TWELVELABS_BASE_URL overrides the recipe's base_url, as the page says."""
    ids = [line.split()[1] for line in lines(world.run("sdk.py"))]

    control = world.simulator.control
    assert sorted(ids) == sorted(asset for index in control.index_ids for asset in control.asset_ids(index))


def test_the_golden_recipe_prints_queries_and_their_answers(tmp_path: Path) -> None:
    base_url, *queries = lines(run(Command(write_recipes(tmp_path, "http://127.0.0.1:1")), "golden.py"))

    assert base_url.startswith("http://127.0.0.1:")
    assert [line.split()[0] for line in queries].count("exact") == 75
    assert all(line.endswith("[]") == line.startswith("negative") for line in queries)


def test_the_control_recipe_changes_the_world(tmp_path: Path) -> None:
    with run_in_thread() as simulator:
        index_id = simulator.control.index_ids[0]
        before = simulator.control.asset_ids(index_id)
        lines(run(Command(write_recipes(tmp_path, simulator.base_url)), "control.sh", INDEX_ID=index_id))
        for _ in range(2):
            with pytest.raises(HTTPError, match="429"):
                oracle.raw(simulator.base_url, f"/indexes/{index_id}/indexed-assets")
        listed = oracle.listed(simulator.base_url, index_id)

    added = [row["system_metadata"]["filename"] for row in listed if row["_id"] not in before]
    assert added == ["parade.mp4"]


def test_the_quick_start_needs_no_server_and_recipes_work_on_what_it_made(tmp_path: Path) -> None:
    with run_in_thread() as simulator:
        write_recipes(tmp_path, simulator.base_url)
        everything = [". ./quick-start.sh", ". ./on-quick-start.sh", *(f"python {name}.py" for name in OTHER_RECIPES)]
        (tmp_path / "all.sh").write_text("\necho ---\n".join(everything))
        ended = run(Command(tmp_path), "all.sh")

    assert ended.code == 0, ended.stdout + ended.stderr
    assert "warning" not in ended.stderr.lower()
    started, by_filter, *others = ended.stdout.split("---\n")
    assert "upsert" in started
    assert "12.8" in started
    assert "cup-final-highlights.mp4" in started
    assert by_filter.startswith("cup-final-highlights.mp4 12.8")
    assert "kitchen-000005.mp4" in by_filter
    assert [bool(output.strip()) for output in others] == [True] * len(OTHER_RECIPES)
