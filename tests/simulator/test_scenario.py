"""Scenario files: the documented ones work; mistakes are reported with file, key and cause."""

from pathlib import Path
from typing import Any

import pytest

import connector.simulator
from connector.simulator import IndexSpec, Scenario, ScenarioError
from tests.simulator.access import access

ONE_ASSET = '[[indexes]]\nname = "a"\n[[indexes.assets]]\nfilename = "f"\n'
FILES = sorted((Path(connector.simulator.__file__).parent / "world" / "scenarios").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_shipped_scenarios_work(path: Path) -> None:
    """Every asset of every index can be retrieved with every option of its index."""
    with access(Scenario.load(path)) as api:
        api.control.clear_faults()
        for index in api.control.index_ids:
            for item in api.listing(index, page_limit=50, status="ready")["data"]:
                options = {"marengo3.0": "visual", "marengo2.7": "visual-text"}
                model = api.control.index(index)["models"][0]["model_name"]
                assert api.segments(index, item["_id"], options[model])


@pytest.mark.parametrize(("assets", "split"), [(0, (0, 0)), (1, (1, 0)), (12, (8, 4)), (90, (60, 30))])
def test_the_default_scenario_is_as_large_as_wanted(assets: int, split: tuple[int, int]) -> None:
    """Two thirds marengo3.0, one third 2.7, all ready."""
    with access(Scenario.default(assets=assets)) as api:
        totals = tuple(api.listing(index)["page_info"]["total_results"] for index in api.control.index_ids)
        ready = sum(api.listing(index, status="ready")["page_info"]["total_results"] for index in api.control.index_ids)

        assert totals == split
        assert ready == assets


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("seed = [", "end of document"),
        ("seed = -1", "seed"),
        ("sead = 1", "sead"),
        ('[clock]\nstart = "tomorrow"', "clock.start"),
        ("[clock]\nrate = -1", "clock.rate"),
        ("[[indexes]]\n", "name"),
        ('[[indexes]]\nname = "a"\nmodel = "marengo9"', "indexes[0].model"),
        ('[[indexes]]\nname = "a"\nduration = [60, 5]', "indexes[0].duration"),
        ('[[indexes]]\nname = "a"\nduration = [0, 5]', "duration"),
        ('[[indexes]]\nname = "a"\nexpires_at = "soon"', "indexes[0].expires_at"),
        ('[[indexes]]\nname = "a"\nstatuses = {failed = 0.7, queued = 0.5}', "indexes[0].statuses"),
        ('[[indexes]]\nname = "a"\ngenerate = 2000000', "generate"),
        ('[[indexes]]\nname = "a"\n[[indexes.assets]]\nstatus = "ready"', "filename"),
        ('[[indexes]]\nname = "a"\n[[indexes.assets]]\nfilename = "f"\nduration = -1', "duration"),
        (ONE_ASSET + 'scenes = [{visual = "x", seconds = 1}, {visual = "y"}]', "indexes[0].assets[0].scenes"),
        (ONE_ASSET + 'scenes = [{visual = "x", seconds = 0}]', "indexes[0].assets[0].scenes"),
        ('[clock]\nstart = "0001-01-01T00:00:00Z"', "1971"),
        ('[clock]\nstart = "9999-12-31T23:59:59Z"', "9998"),
        ('[[indexes]]\nname = "a"\nexpires_at = "0001-01-01T00:00:00Z"', "expires_at"),
        (ONE_ASSET + "duration = 1e300", "duration"),
        (ONE_ASSET + "width = -1", "width"),
        (ONE_ASSET + 'duration = 80000\nscenes = [{visual = "x", seconds = 0.001}]', "indexes[0].assets[0].scenes"),
        ("[knobs]\nnull_float = 2", "null_float"),
        ("[knobs]\nnonsense = 2", "nonsense"),
        ("[[faults]]\nstatus = 500", "match"),
        ('[[faults]]\nmatch = "nowhere"', "nowhere"),
        ('[webhook]\nurl = "http://127.0.0.1:1"', "secret"),
    ],
)
def test_mistakes_name_file_key_and_cause(tmp_path: Path, text: str, cause: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)

    assert str(path) in str(caught.value)
    assert cause in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nowhere\.toml"):
        Scenario.load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("wrong", [{"duration": (60.0, 5.0)}, {"generate": -1}, {"model": "marengo9"}])
def test_mistakes_in_python_are_found_too(wrong: dict[str, Any]) -> None:
    """The same checks, before the server starts."""
    (key,) = wrong
    with (
        pytest.raises(ValueError, match=rf"indexes\[0\].{key}"),
        access(Scenario(indexes=(IndexSpec(name="a", **wrong),))),
    ):
        raise AssertionError("served a wrong scenario")


def test_time_can_start_now(tmp_path: Path) -> None:
    """`start = "now"` uses the real time, for demonstrations."""
    path = tmp_path / "now.toml"
    path.write_text('[clock]\nstart = "now"')
    with access(Scenario.load(path), wall=lambda: 1767323045.0) as api:
        assert api.control.now == "2026-01-02T03:04:05.000Z"
