"""Moments for tests of pure functions."""

from typing import Any

from hypothesis import strategies as st

from connector.search import Moment


def moment(start: float = 0.0, end: float = 5.0, asset: str = "asset-1", score: float = 1.0, **changes: Any) -> Moment:
    return Moment(
        **{
            "index_id": "index-1",
            "index_name": "First",
            "indexed_asset_id": asset,
            "asset_id": None,
            "filename": f"{asset}.mp4",
            "start_sec": start,
            "end_sec": end,
            "score": score,
            "scores": {"visual": score / 10},
            "options": ("visual",),
            "transcript": "",
            "metadata": {},
            "link": None,
            "model": "marengo3.0",
            "point_id": f"{asset}/{start:g}-{end:g}",
            **changes,
        }
    )


@st.composite
def any_moments(draw: st.DrawFn) -> list[Moment]:
    """Distinct segments of a few assets, which may overlap."""
    places = st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 40), st.integers(1, 12))
    found = draw(st.lists(places, max_size=14, unique=True))
    scores = draw(st.lists(st.floats(0, 3), min_size=len(found), max_size=len(found)))
    return [
        moment(start / 2, (start + length) / 2, asset, score)
        for (asset, start, length), score in zip(found, scores, strict=True)
    ]
