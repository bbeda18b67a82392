"""Mistakes in settings, as messages that say what is wrong and what to use instead."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from connector.domain.errors import ConfigError
from connector.domain.network_variables import without_credentials
from connector.settings.connector_settings import Settings
from connector.settings.names import PROXY, did_you_mean, shown_name, spelled_otherwise
from connector.settings.per_index import IndexOverride

_NOT_TEXT = re.compile("[\\x00\\ud800-\\udfff]")
_WANTED = {"bool": "true or false", "string": "text"}
_REQUIRED = {
    "twelvelabs_api_key": "create a key in the TwelveLabs dashboard, or try `connector demo` without one",
    "connector_indexes": "name the index ids, separated by commas, or * for every index of the account",
}


def bad_proxies(environment: Mapping[str, str | None]) -> list[str]:
    """Check proxy variables, because the libraries that read them quote an invalid address in their messages."""
    return [
        f"{name.upper()}: {without_credentials(value)!a} has spaces or other characters that an address cannot have: "
        "use http://host:port"
        for name, value in environment.items()
        if value and PROXY.fullmatch(name) and not (value.isascii() and value.isprintable() and " " not in value)
    ]


def not_text(values: Mapping[str, Any], fields: Collection[str]) -> dict[str, str]:
    """Reject NUL and lone surrogates (bytes that are not UTF-8): no file or request can contain them.

    Return field name -> message.
    """
    return {
        name: f"{name.upper()}: it is not valid UTF-8 or contains a NUL character: correct it"
        for name, value in values.items()
        if name in fields and isinstance(value, str) and _NOT_TEXT.search(value)
    }


def invalid(error: Mapping[str, Any], variables: Collection[str], known: Collection[str]) -> str:
    """The message for an error of pydantic. `variables` are the names in the environment, `known` the settings."""
    field, *inner = error["loc"]
    name = str(field).upper()
    if field == "overrides":
        table, key = f"table {int(inner[0]) + 1} of indexes", str(inner[-1])
        if error["type"] == "extra_forbidden":
            return f"{table}: unknown setting {shown_name(key)}{did_you_mean(key, IndexOverride.model_fields)}"
        if error["type"] == "missing":
            return f"{table}: {key} is missing"
        return f"{table}: {key}: {_words(error)}"
    if error["type"] == "missing":
        return f"{name} is required: {_REQUIRED[str(field)]}{spelled_otherwise(str(field), variables, known)}"
    return f"{name}: {_words(error)}"


def unused_overrides(settings: Settings) -> list[str]:
    """Warnings about tables of indexes that are not synced: a typo, or a variable that names fewer indexes."""
    if settings.connector_indexes == ("*",):
        return []
    return [
        f"indexes: {override.id} has its own table but is not in CONNECTOR_INDEXES"
        for override in settings.overrides
        if override.id not in settings.connector_indexes
    ]


def config_error(problems: Collection[str]) -> ConfigError:
    """One error for all problems, each named once."""
    listed = "".join(f"\n  - {problem}" for problem in dict.fromkeys(problems))
    return ConfigError("read settings", "", f"{len(problems)} mistake{'s' if len(problems) > 1 else ''}{listed}")


def _words(error: Mapping[str, Any]) -> str:
    """Our own validators write for users; the texts of pydantic's do not say what was given."""
    kind, given = str(error["type"]), error.get("input")
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    if kind == "literal_error":
        allowed = str(error["ctx"]["expected"]).replace("'", "")
        return f"{given!r} is not allowed: use {allowed}"
    return f"{given!r} is not valid: use {_WANTED.get(kind.partition('_')[0], kind)}"
