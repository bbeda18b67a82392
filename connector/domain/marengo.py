"""Known Marengo models: canonical names, dimensions, embedding options."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_VERSION = re.compile(r"marengo\D*?(\d+)\.(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MarengoModel:
    """`options` maps each embedding option to the model option of the index that enables it."""

    name: str
    dimension: int
    options: dict[str, str]


OPTION_ORDER = ("visual", "visual-text", "audio", "transcription")
"""The order of embedding options in requests and payloads."""

# Source: the vendor's documentation; see docs/payload.md.
KNOWN = {
    model.name: model
    for model in (
        MarengoModel("marengo3.0", 512, {"visual": "visual", "audio": "audio", "transcription": "audio"}),
        MarengoModel("marengo2.7", 1024, {"visual-text": "visual", "audio": "audio"}),
    )
}

_ALIASES = {"visual-text": "visual"}


def canonical(name: str) -> str | None:
    """`Marengo-retrieval-2.7` and `marengo2.7` both give `marengo2.7`; None if it is not a Marengo model."""
    found = _VERSION.search(name)
    return f"marengo{found[1]}.{found[2]}" if found else None


def options_of(model: str, model_options: Iterable[str]) -> tuple[str, ...]:
    """The embedding options that an index of `model` offers, in the model's order.

    For an unknown model, use the model options of the index.
    """
    enabled = tuple(dict.fromkeys(model_options))
    if model not in KNOWN:
        return enabled
    return tuple(option for option, needs in KNOWN[model].options.items() if needs in enabled)


def select(model: str | None, model_options: Iterable[str], wanted: Collection[str] | None) -> tuple[str, ...]:
    """The wanted options (None: all) that the index offers; `visual` and `visual-text` are aliases.

    Empty without a model, because then there are no embeddings.
    """
    offered = options_of(model, model_options) if model else ()
    if wanted is None:
        return offered
    return named(offered, wanted)


def named(offered: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The offered options that `wanted` names, in the order offered; `visual` and `visual-text` are aliases."""
    names = {_ALIASES.get(option, option) for option in wanted}
    return tuple(option for option in offered if _ALIASES.get(option, option) in names)


def option_order(option: str) -> tuple[int, str]:
    """Sort key: OPTION_ORDER, then other options by name."""
    return (OPTION_ORDER.index(option) if option in OPTION_ORDER else len(OPTION_ORDER), option)


def newest_model_first(model: str) -> tuple[float, float, str]:
    """Sort key: versions descending, then what is not a Marengo model."""
    found = _VERSION.search(model)
    return (-float(found[1]), -float(found[2]), model) if found else (1.0, 0.0, model)
