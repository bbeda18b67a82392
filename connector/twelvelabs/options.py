"""Selects the embedding options to request: those of the asset's model, restricted to the wanted ones."""

from collections.abc import Collection

from connector.domain.marengo import KNOWN, select


def asked_options(model: str | None, model_options: Collection[str], wanted: Collection[str] | None) -> tuple[str, ...]:
    """The options to request; empty without a model, because then there is no embedding."""
    return select(model, model_options, wanted) if model else ()


def other_options(
    asked: tuple[str, ...], model_options: Collection[str], wanted: Collection[str] | None
) -> tuple[str, ...]:
    """The options of another known model that differ from `asked`; empty if there are none."""
    questions = (asked_options(model, model_options, wanted) for model in KNOWN)
    return next((options for options in questions if options and options != asked), ())
