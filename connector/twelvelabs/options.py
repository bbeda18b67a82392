"""Which embedding options to ask for: those of the model that the asset really has, restricted to the wanted ones."""

from collections.abc import Collection

from connector.domain.marengo import KNOWN, select


def asked_options(model: str | None, model_options: Collection[str], wanted: Collection[str] | None) -> tuple[str, ...]:
    """Empty without a model: there is no embedding to ask for."""
    return select(model, model_options, wanted) if model else ()


def other_options(
    asked: tuple[str, ...], model_options: Collection[str], wanted: Collection[str] | None
) -> tuple[str, ...]:
    """What another known model would be asked; empty when no other question is left."""
    questions = (asked_options(model, model_options, wanted) for model in KNOWN)
    return next((options for options in questions if options and options != asked), ())
