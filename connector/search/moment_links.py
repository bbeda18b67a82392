"""Links to a moment: the status page's, or by a template of your own. Pure."""

import string
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from connector.domain.errors import ConfigError
from connector.web.pages.moment import moment_url

FIELDS = ("index_id", "indexed_asset_id", "asset_id", "filename", "start_sec", "end_sec")

Link = Callable[[Mapping[str, Any]], str | None]
"""Payload values by FIELDS -> the link; None if there is none."""


def link_maker(base_url: str, template: str | None) -> Link:
    """`template` has placeholders of FIELDS. Ids and names are percent-encoded, times are seconds.

    Without a template, links lead to the connector's status page at `base_url`. Raises ConfigError.
    """
    base = base_url.rstrip("/")
    if template is None:
        return lambda it: _page(base, it)
    advice = f"Use placeholders of {', '.join(FIELDS)}"
    try:
        used = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except (ValueError, TypeError) as error:
        raise ConfigError("use", "link_template", str(error), advice) from None
    if unknown := sorted(used - set(FIELDS)):
        raise ConfigError("use", "link_template", f"it has the unknown placeholder {{{unknown[0]}}}", advice)
    try:
        template.format(**{**dict.fromkeys(FIELDS, ""), "start_sec": 0.5, "end_sec": 0.5})
    except ValueError as error:
        raise ConfigError("use", "link_template", str(error), advice) from None
    return lambda it: base + template.format(**{name: _encoded(it.get(name)) for name in FIELDS})


def _page(base: str, values: Mapping[str, Any]) -> str | None:
    path = moment_url(values["index_id"], values["indexed_asset_id"], values["start_sec"], values["end_sec"])
    return path and base + path


def _encoded(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return quote("" if value is None else str(value), safe="")
