"""What is known of Marengo models: canonical names, dimensions, embedding options."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_VERSION = re.compile(r"marengo\D*?(\d+)\.(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MarengoModel:
    """`options` maps each embedding option to the index's model option that it rides on."""

    name: str
    dimension: int
    options: dict[str, str]


# Vendor's documentation; see the payload reference in the README.
KNOWN = {
    model.name: model
    for model in (
        MarengoModel("marengo3.0", 512, {"visual": "visual", "audio": "audio", "transcription": "audio"}),
        MarengoModel("marengo2.7", 1024, {"visual-text": "visual", "audio": "audio"}),
    )
}

_ALIASES = {"visual-text": "visual"}


def canonical(name: str) -> str | None:
    """`Marengo-retrieval-2.7` and `marengo2.7` are one model; None for what is no Marengo model."""
    found = _VERSION.search(name)
    return f"marengo{found[1]}.{found[2]}" if found else None


def options_of(model: str, model_options: Iterable[str]) -> tuple[str, ...]:
    """The embedding options that an index of `model` has, in the model's order.

    A model that is not known is asked for what the index itself names.
    """
    enabled = tuple(dict.fromkeys(model_options))
    if model not in KNOWN:
        return enabled
    return tuple(option for option, needs in KNOWN[model].options.items() if needs in enabled)


def select(model: str, model_options: Iterable[str], wanted: Collection[str] | None) -> tuple[str, ...]:
    """The wanted ones (None: all) of `options_of`; `visual` of one model is `visual-text` of another."""
    offered = options_of(model, model_options)
    if wanted is None:
        return offered
    names = {_ALIASES.get(option, option) for option in wanted}
    return tuple(option for option in offered if _ALIASES.get(option, option) in names)
