"""The embedding options that are requested for an asset, by model, index and settings."""

import pytest

from connector.domain.marengo import select
from connector.twelvelabs.retrieval import other_options

BOTH = ("visual", "audio")


@pytest.mark.parametrize(
    ("model", "model_options", "wanted", "asked"),
    [
        ("marengo3.0", BOTH, None, ("visual", "audio", "transcription")),
        ("marengo2.7", BOTH, None, ("visual-text", "audio")),
        ("marengo3.0", ("visual",), None, ("visual",)),
        ("marengo3.0", ("audio",), None, ("audio", "transcription")),
        ("marengo3.0", (), None, ()),
        ("marengo3.0", BOTH, (), ()),
        ("marengo3.0", BOTH, ("transcription", "visual"), ("visual", "transcription")),
        ("marengo3.0", ("visual",), ("audio",), ()),
        ("marengo3.0", BOTH, ("visual-text",), ("visual",)),
        ("marengo3.0", BOTH, ("visual-text", "audio"), ("visual", "audio")),
        ("marengo2.7", BOTH, ("visual",), ("visual-text",)),
        ("marengo2.7", BOTH, ("transcription",), ()),
        ("marengo2.7", BOTH, ("visual", "transcription"), ("visual-text",)),
        ("marengo2.7", ("visual",), ("transcription",), ()),
        ("marengo3.0", BOTH, ("smell",), ()),
        ("marengo4.0", ("visual", "smell"), None, ("visual", "smell")),
        ("marengo4.0", ("visual", "smell"), ("smell",), ("smell",)),
        ("marengo4.0", ("visual", "smell"), ("visual-text",), ("visual",)),
        ("marengo4.0", ("visual", "smell"), ("taste",), ()),
        (None, BOTH, None, ()),
    ],
)
def test_asked_options(
    model: str | None, model_options: tuple[str, ...], wanted: tuple[str, ...] | None, asked: tuple[str, ...]
) -> None:
    assert select(model, model_options, wanted) == asked


@pytest.mark.parametrize(
    ("asked", "wanted", "other"),
    [
        (("visual", "audio", "transcription"), None, ("visual-text", "audio")),
        (("visual-text", "audio"), None, ("visual", "audio", "transcription")),
        (("visual", "smell"), None, ("visual", "audio", "transcription")),
        (("visual",), ("visual",), ("visual-text",)),
        (("audio",), ("audio",), ()),
    ],
)
def test_other_options(asked: tuple[str, ...], wanted: tuple[str, ...] | None, other: tuple[str, ...]) -> None:
    """Empty if the request would be the same for every known model."""
    assert other_options(asked, BOTH, wanted) == other
