"""Which assets are small enough to build their points on the event loop."""

from dataclasses import replace

import pytest

from connector.domain.points import is_small, segments_of
from tests.builders import column, retrieved, spoken


@pytest.mark.parametrize(
    ("segments", "words", "small"), [(0, 0, True), (64, 1000, True), (65, 0, False), (1, 1001, False)]
)
def test_few_segments_and_words_are_small(segments: int, words: int, small: bool) -> None:
    half = segments // 2
    columns = [column("visual", [(0, 6)] * half), column("audio", [(0, 6)] * (segments - half))]
    asset = retrieved(*columns, words=spoken(*[(0.0, 1.0, "word")] * words) if words else None)
    assert segments_of(asset) == segments
    assert is_small(asset) == small


def test_an_asset_without_an_embedding_has_no_segments() -> None:
    asset = replace(retrieved(), columns=None)
    assert segments_of(asset) == 0
    assert is_small(asset)
