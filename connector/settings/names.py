"""Names of settings: their prefix, unknown names, and what was probably meant."""

import difflib
import re
from collections.abc import Collection, Iterable

PREFIX = "connector_"
CONFIG = f"{PREFIX}config"
OPENTELEMETRY = "OTEL_"
"""How the names of OpenTelemetry's own variables begin."""
PROXY = re.compile(r"(?!no_)[a-z]+_proxy")

_KUBERNETES = re.compile(r"connector_(service_(host|port)(_.*)?|port(_\d+_.*)?)")
_SIMILAR = 0.75
_VERY_SIMILAR = 0.8


def unknown(variables: Iterable[str], fields: Collection[str], problems: list[str], warnings: list[str]) -> None:
    """Unknown `CONNECTOR_*` variables: a problem if the name resembles a setting, else a warning."""
    known = [name.removeprefix(PREFIX).upper() for name in fields if name.startswith(PREFIX)]
    for name in sorted({variable.lower() for variable in variables}):
        if not name.startswith(PREFIX) or name in fields or _KUBERNETES.fullmatch(name):
            continue
        hint = did_you_mean(name.removeprefix(PREFIX).upper(), known)
        (problems if hint else warnings).append(
            f"Unknown setting {name.upper()}{hint.replace('mean ', f'mean {PREFIX.upper()}')}"
        )


def shown_name(name: str) -> str:
    """A name from a file as it is, or quoted if it would not be seen or would break the line."""
    return name if name and name.isprintable() and name == name.strip() else repr(name)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=_SIMILAR)
    return f"; did you mean {near[0]}?" if near else ""


def spelled_otherwise(field: str, variables: Iterable[str], known: Collection[str]) -> str:
    """Point at a variable whose name resembles the missing `field` and is not a setting."""
    near = difflib.get_close_matches(field, list(variables), n=1, cutoff=_VERY_SIMILAR)
    return f" ({near[0].upper()} is set: check the spelling)" if near and near[0] not in known else ""
