"""A holding is what the points of an asset say, whatever their order and pages."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.holding import Counted, Holding, Holdings, add_points, payload_keys
from connector.domain.payload_profile import DERIVED_KEYS
from connector.domain.points import METADATA_KEYS, AssetPoints, build, computed_metadata_revision
from tests.builders import MODEL, asset, column, index, retrieved, spoken

RANGES = ((0, 6), (6, 12), (12, 18), (18, 20))
Change = Callable[[dict[str, Any]], Any]


def built(name: str = "asset-1", **options: Any) -> AssetPoints:
    columns = (column("visual", RANGES), column("audio", RANGES[:2]), column("visual", ((0, 20),), scope="asset"))
    words = spoken((0, 1, "hello"))
    return build(retrieved(*columns, of=asset(name), words=words, metadata={"a": [1]}), index(), "print-1", **options)


def payloads(points: AssetPoints) -> list[dict[str, Any]]:
    options = [tuple(name for name, named in points.vectors.items() if row in named.rows) for row in range(len(points))]
    return [points.payload(row, options[row]) for row in range(len(points))]


def holding(points: list[dict[str, Any]], model: str | None = MODEL) -> Holding:
    found: Holdings = {}
    add_points(found, points, model)
    return found["asset-1"]


def changed(place: int, **values: Any) -> list[dict[str, Any]]:
    points = payloads(built())
    points[place] |= values
    return points


def altered(found: Holding, **given: Any) -> int:
    return found.altered(given.get("metadata_revision", built().metadata_revision), given.get("points", 5))


def test_the_metadata_revision_is_what_the_stored_payload_computes_to() -> None:
    points = built()

    assert {computed_metadata_revision(it) for it in payloads(points)} == {points.metadata_revision}
    assert set(METADATA_KEYS) <= points.asset_payload.keys()


@given(st.permutations(range(5)), st.integers(1, 5))
def test_order_and_pages_do_not_matter(order: list[int], size: int) -> None:
    points, found = payloads(built()), Holdings()
    for first in range(0, 5, size):
        add_points(found, [points[place] for place in order[first : first + size]], MODEL)

    assert found.keys() == {"asset-1"}
    once = holding(points)
    assert found["asset-1"].ordinals == once.ordinals
    assert sorted(found["asset-1"].scopes.items()) == sorted(once.scopes.items()) == [("asset", 1), ("clip", 4)]
    assert found["asset-1"].points == found["asset-1"].of_model == 5
    assert found["asset-1"].revisions[built().revision] == 5
    assert altered(found["asset-1"]) == 0


def test_each_asset_has_its_own() -> None:
    found: Holdings = {}

    add_points(found, [*payloads(built("a")), *payloads(built("b"))[:2]], MODEL)

    assert {name: it.points for name, it in found.items()} == {"a": 5, "b": 2}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("filename", "other.mp4"),
        ("user_metadata", {}),
        ("duration_sec", 1.0),
        ("index_name", None),
        ("metadata_revision", "other"),
        ("metadata_revision", None),
        ("metadata_revision", 7),
        ("fingerprint", None),
        ("fingerprint", ""),
        ("fingerprint", "other"),
        ("asset_points", 4),
        ("asset_points", "5"),
        ("asset_points", True),
        ("segment", 3),
        ("segment", None),
        ("segment", "1"),
        ("embedding_options", []),
        ("embedding_options", None),
        ("embedding_options", "visual"),
        ("embedding_options", ["visual", 1]),
    ],
)
def test_one_point_with_another_payload_is_counted(key: str, value: object) -> None:
    assert altered(holding(changed(2, **{key: value}))) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("page_content", "other text"),
        ("document", None),
        ("metadata", {}),
        ("metadata", None),
        ("transcript", "other words"),
        ("filename", "other.mp4"),
    ],
)
def test_one_point_with_other_derived_keys_is_counted(key: str, value: object) -> None:
    """A key that another one is made from counts too."""
    points = built(payload_profile="frameworks")
    stored = payloads(points)
    assert holding(stored).altered(points.metadata_revision, 5) == 0
    assert set(stored[0]) >= set(payload_keys("frameworks"))

    stored[2][key] = value

    assert holding(stored).altered(points.metadata_revision, 5) == 1


@pytest.mark.parametrize("key", DERIVED_KEYS)
def test_one_point_without_a_derived_key_is_counted(key: str) -> None:
    points = built(payload_profile="frameworks")
    stored = payloads(points)

    del stored[2][key]

    assert holding(stored).altered(points.metadata_revision, 5) == 1


def test_keys_of_these_names_are_not_read_unless_they_are_wanted() -> None:
    """They may be those of another program."""
    assert set(payload_keys("none")) & set(DERIVED_KEYS) == set()


def test_payloads_that_agree_with_each_other_and_not_with_the_row() -> None:
    assert altered(holding(payloads(built())), metadata_revision="other") == 5
    assert altered(holding(payloads(built())), points=6) == 5


def test_a_row_that_does_not_know_the_metadata_wants_them_equal() -> None:
    assert altered(holding(payloads(built())), metadata_revision=None) == 0
    assert altered(holding(changed(0, filename="x")), metadata_revision=None) >= 1
    assert altered(holding([it | {"metadata_revision": None} for it in payloads(built())]), metadata_revision=None) == 5


def test_without_the_right_number_only_each_point_itself_counts() -> None:
    """Points of another revision state other numbers, and are no alteration."""
    assert altered(holding(payloads(built())[:3]), points=None) == 0
    assert altered(holding(payloads(built())), metadata_revision="other", points=None) == 0
    assert altered(holding(changed(1, filename="x")), points=None) == 1
    assert altered(holding(changed(1, embedding_options=[])), points=None) == 1


@pytest.mark.parametrize("value", [None, 7, ["x"], {"a": 1}])
def test_a_value_of_another_type_counts_as_none(value: object) -> None:
    """Anybody can change a payload."""
    found = holding(changed(0, revision=value, segment=value, asset_points=value, fingerprint=value))

    assert (found.revisions[""], found.revisions[built().revision]) == (1, 4)
    assert altered(found) == 1


def test_true_is_not_a_number_of_points() -> None:
    found = holding([payloads(built())[0] | {"asset_points": True}])

    assert altered(found, points=1) == 1


def test_a_gap_and_a_duplicate_of_the_ordinals_are_noticed() -> None:
    whole, *clips = payloads(built())

    assert holding([whole, *clips]).has_every_place
    assert holding(clips).has_every_place
    assert holding([whole, *clips[:-1]]).has_every_place
    assert not holding([whole, *clips[1:]]).has_every_place
    assert not holding([whole, whole, *clips]).has_every_place
    assert not holding([whole, *clips[1:], clips[2]]).has_every_place


def test_points_of_another_model_count_for_nothing_else() -> None:
    points = changed(4, embedding_model="marengo2.7", filename="x", segment=9)
    points[3] |= {"embedding_model": None}

    found = holding(points)

    assert (found.points, found.other_model, found.of_model) == (5, 2, 3)
    assert found.revisions[built().revision] == 3
    assert altered(found, points=None) == 0


def test_a_collection_without_a_stamp_has_no_wrong_model() -> None:
    assert holding(changed(4, embedding_model="marengo2.7"), model=None).other_model == 0


@given(st.lists(st.sampled_from(["a", "b", "", None])))
def test_counted_counts_like_a_counter(values: list[str | None]) -> None:
    found = Counted()
    for value in values:
        found.add(value)

    assert dict(found.items()) == {value: values.count(value) for value in values}
    assert (found.first, found.times) == ((values[0], values.count(values[0])) if values else (None, 0))
    assert {value: found[value] for value in ("a", "b", "", None)} == {
        value: values.count(value) for value in ("a", "b", "", None)
    }
    assert found["never"] == 0
