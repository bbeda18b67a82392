"""Checks the arguments of a tool against its schema. Pure; a mistake raises ConfigError with its cure."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from connector.domain.errors import ConfigError
from connector.search.agents.tool_specs import BY_NAME

_LONGEST_QUOTE = 100
_CAUSES = {
    "type": "{it} is not of type {wanted}",
    "enum": "{it} is not {wanted}",
    "minimum": "{it} is below {wanted}",
    "maximum": "{it} is above {wanted}",
    "additionalProperties": "{it} has a key that is not allowed: use {allowed}",
    "anyOf": '{it} is not a value, a list of values, or a range such as {{"gte": 3, "lt": 5}}',
    **dict.fromkeys(("minLength", "minItems", "minProperties"), "it is empty"),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties"), "it is longer than {wanted}"),
}
"""JSON schema keyword -> what is wrong."""


def checked_arguments(tool: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """With the defaults of the schema; null counts as omitted, because many models send it."""
    properties = BY_NAME[tool].input_schema["properties"]
    arguments = {name: value for name, value in (given or {}).items() if value is not None}
    if unknown := sorted(arguments.keys() - properties.keys()):
        close = get_close_matches(unknown[0], properties, n=1)
        advice = f"Did you mean {close[0]}? " if close else ""
        cause = f"{tool} has no such argument"
        raise ConfigError("read", f"argument {unknown[0]}", cause, f"{advice}Arguments: {', '.join(properties)}")
    error = best_match(_validator(tool).iter_errors(arguments))
    if error is not None:
        raise _mistake(tool, error)
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return {**defaults, **{name: _whole(value, properties[name]) for name, value in arguments.items()}}


def _whole(value: Any, schema: Mapping[str, Any]) -> Any:
    """An integer may be written as 3.0."""
    return int(value) if schema["type"] == "integer" else value


@cache
def _validator(tool: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(BY_NAME[tool].input_schema)


def _mistake(tool: str, error: jsonschema.ValidationError) -> ConfigError:
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        where = _place(error)
        return ConfigError("read", f"argument {where}{missing[0]}", "it is missing", f"{tool} needs it")
    whole = BY_NAME[tool].input_schema["properties"][error.absolute_path[0]]
    examples = whole.get("examples")
    advice = f"Example: {_quoted(examples[0])}" if examples else f"Default: {_quoted(whole.get('default'))}"
    subject = f"argument {_place(error)[:-1]}"
    return ConfigError("read", subject, _cause(error), advice)


def _place(error: jsonschema.ValidationError) -> str:
    """`filters.season.` for a mistake inside it."""
    return "".join(f"{part}." for part in error.absolute_path)


def _cause(error: jsonschema.ValidationError) -> str:
    """The messages of the library repeat the instance, which may be long."""
    kind, wanted = str(error.validator), error.validator_value
    said = _CAUSES.get(kind, "{it} does not fit {kind} = {wanted}")
    if isinstance(wanted, list):
        wanted = " or ".join(map(str, wanted))
    allowed = ", ".join(error.schema.get("properties", {}))
    return said.format(it=_quoted(error.instance), kind=kind, wanted=wanted, allowed=allowed)


def _quoted(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
