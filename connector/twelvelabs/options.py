"""Which embedding options to ask for: those of the model that the asset really has, restricted to the wanted ones."""

from collections.abc import Collection

from connector.marengo import KNOWN, options_of

_RIDES_ON = {option: rides_on for model in KNOWN.values() for option, rides_on in model.options.items()}


def asked_options(model: str | None, model_options: Collection[str], wanted: Collection[str] | None) -> tuple[str, ...]:
    """A wanted option that the model does not know stands for the model option that it rides on elsewhere.

    So `visual` means `visual-text` for an asset whose model has that instead.
    """
    if model is None:
        return ()
    available = options_of(model, model_options)
    if wanted is None:
        return available
    own = KNOWN[model].options if model in KNOWN else dict.fromkeys(available, "")
    foreign = {_RIDES_ON.get(option) for option in wanted if option not in own}
    return tuple(option for option in available if option in wanted or _RIDES_ON.get(option, option) in foreign)


def other_options(
    asked: tuple[str, ...], model_options: Collection[str], wanted: Collection[str] | None
) -> tuple[str, ...]:
    """What another known model would be asked; empty when no other question is left."""
    questions = (asked_options(model, model_options, wanted) for model in KNOWN)
    return next((options for options in questions if options and options != asked), ())
