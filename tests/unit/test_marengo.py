"""Model names and embedding options; the facts are the vendor's."""

import pytest

from connector.domain.marengo import (
    KNOWN,
    OPTION_ORDER,
    MarengoModel,
    canonical,
    newest_model_first,
    options_of,
    select,
)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("marengo3.0", "marengo3.0"),
        ("Marengo-retrieval-2.7", "marengo2.7"),
        ("marengo2.7", "marengo2.7"),
        ("MARENGO 3.5", "marengo3.5"),
        ("marengo-retrieval-10.12-preview", "marengo10.12"),
        ("pegasus1.2", None),
        ("marengo", None),
        ("marengo3", None),
        ("", None),
    ],
)
def test_canonical_names(name: str, model: str | None) -> None:
    assert canonical(name) == model


@pytest.mark.parametrize("model", KNOWN.values())
def test_every_known_model_has_its_options_in_one_order(model: MarengoModel) -> None:
    assert list(model.options) == [option for option in OPTION_ORDER if option in model.options]


@pytest.mark.parametrize("name", KNOWN)
def test_known_names_are_canonical(name: str) -> None:
    assert canonical(name) == name


def test_what_is_known() -> None:
    assert {model.name: (model.dimension, tuple(model.options)) for model in KNOWN.values()} == {
        "marengo3.0": (512, ("visual", "audio", "transcription")),
        "marengo2.7": (1024, ("visual-text", "audio")),
    }


@pytest.mark.parametrize(
    ("model", "model_options", "expected"),
    [
        ("marengo3.0", ["visual", "audio"], ("visual", "audio", "transcription")),
        ("marengo3.0", ["audio", "visual"], ("visual", "audio", "transcription")),
        ("marengo3.0", ["visual"], ("visual",)),
        ("marengo3.0", ["audio"], ("audio", "transcription")),
        ("marengo3.0", [], ()),
        ("marengo2.7", ["visual", "audio"], ("visual-text", "audio")),
        ("marengo2.7", ["audio"], ("audio",)),
        ("marengo9.9", ["audio", "smell", "audio"], ("audio", "smell")),
    ],
)
def test_options_of_an_index(model: str, model_options: list[str], expected: tuple[str, ...]) -> None:
    assert options_of(model, model_options) == expected


@pytest.mark.parametrize(
    ("model", "wanted", "expected"),
    [
        ("marengo3.0", None, ("visual", "audio", "transcription")),
        ("marengo3.0", ["transcription", "visual"], ("visual", "transcription")),
        ("marengo3.0", ["visual-text"], ("visual",)),
        ("marengo2.7", ["visual"], ("visual-text",)),
        ("marengo2.7", ["visual-text", "visual"], ("visual-text",)),
        ("marengo2.7", ["transcription"], ()),
        ("marengo3.0", [], ()),
        ("marengo9.9", ["audio"], ("audio",)),
    ],
)
def test_wanted_options(model: str, wanted: list[str] | None, expected: tuple[str, ...]) -> None:
    """`visual` of one model is `visual-text` of another."""
    assert select(model, ["visual", "audio"], wanted) == expected


def test_models_are_sorted_newest_first() -> None:
    models = ["", "marengo2.7", "other", "marengo10.1", "marengo3.0", "marengo3.12", "marengo3.5"]

    assert sorted(models, key=newest_model_first) == [
        "marengo10.1",
        "marengo3.12",
        "marengo3.5",
        "marengo3.0",
        "marengo2.7",
        "",
        "other",
    ]
