"""Properties of the sink's values."""

import pytest

from connector.domain.sink_model import SinkAsset


@pytest.mark.parametrize(
    ("by_revision", "fingerprint", "asset_points", "intact"),
    [
        ({"r1": 3}, "print", 3, True),
        ({"r1": 3}, "print", 4, False),
        ({"r1": 3}, "print", None, False),
        ({"r1": 3}, None, 3, False),
        ({"r1": 3}, "", 3, False),
        ({"r1": 2, "r2": 1}, "print", 3, False),
        ({}, "print", 0, False),
    ],
)
def test_an_intact_asset_is_all_of_one_revision(
    by_revision: dict[str, int], fingerprint: str | None, asset_points: int | None, intact: bool
) -> None:
    found = SinkAsset(
        indexed_asset_id="a",
        points_by_revision=by_revision,
        points_by_metadata_revision={"m": 1},
        fingerprint=fingerprint,
        asset_points=asset_points,
    )
    assert found.points == sum(by_revision.values())
    assert found.intact is intact
