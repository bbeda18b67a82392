"""The settings of a reindex: the present ones with some changes, given as NAME=VALUE."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from connector.domain.errors import ConfigError
from connector.domain.reindex_job import CHANGEABLE
from connector.settings.connector_settings import Settings, given_only
from connector.settings.effective import Effective, plain
from connector.settings.mistakes import config_error, invalid
from connector.settings.names import did_you_mean

_SET = "read --set"
_REQUIRED = {"twelvelabs_api_key": "none", "connector_indexes": "*"}


def parse_changes(given: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE texts as a mapping, in the order of CHANGEABLE. Raises ConfigError."""
    changes: dict[str, str] = {}
    known = [name for name in CHANGEABLE if name.lower() in Settings.model_fields]
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip().upper()
        if not equals or not value.strip():
            raise ConfigError(_SET, repr(text), "it is not NAME=VALUE", "For example, --set CONNECTOR_TRANSCRIPT=false")
        if name not in known:
            cause = f"a reindex cannot change it{did_you_mean(name, known).rstrip('?')}"
            raise ConfigError(_SET, name, cause, f"It can change {', '.join(known)}")
        if name in changes:
            raise ConfigError(_SET, name, "it is given twice", "Give it once")
        changes[name] = value.strip()
    return {name: changes[name] for name in CHANGEABLE if name in changes}


def with_changes(settings: Settings, changes: Mapping[str, str]) -> Settings:
    """Raises one ConfigError for all values that are not valid."""
    values: dict[str, Any] = {name.lower(): value for name, value in changes.items()}
    try:
        checked = given_only(**{**_REQUIRED, **values})
    except ValidationError as error:
        raise config_error([invalid(it, (), ()) for it in error.errors()]) from None
    return settings.model_copy(update={name: getattr(checked, name) for name in values})


def with_values(settings: Settings, values: Mapping[str, str | None]) -> Settings:
    """Like `with_changes`; a setting whose value is None gets its default."""
    changed = with_changes(settings, {name: value for name, value in values.items() if value is not None})
    absent = [name.lower() for name, value in values.items() if value is None]
    return changed.model_copy(update={name: Settings.model_fields[name].get_default() for name in absent})


def as_given(settings: Settings, names: Iterable[str]) -> dict[str, str | None]:
    """The values of these settings, written as in an environment variable. None: the setting is not set."""
    found: dict[str, str | None] = {}
    for name in names:
        field = name.lower()
        is_set = field in settings.model_fields_set
        found[name] = Effective(name, plain(getattr(settings, field))).written if is_set else None
    return found
