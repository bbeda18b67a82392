"""Reads the settings from command line, environment, `.env`, secret files and a TOML file; earlier ones override.

The only module of the connector that reads the environment.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from connector.domain.network_variables import NAMES
from connector.settings.connector_settings import SECRETS, Settings
from connector.settings.mistakes import bad_proxies, config_error, invalid, not_text, unused_overrides
from connector.settings.names import CONFIG, unknown
from connector.settings.per_index import IndexOverride
from connector.settings.sources import (
    UNREADABLE,
    dotenv_file,
    hide_secrets,
    mounted_secrets,
    secret_files,
    split_indexes,
    toml_file,
    toml_values,
)
from connector.settings.toml_types import well_typed

_FIELDS = frozenset(Settings.model_fields) - {"overrides"}
_VARIABLES = _FIELDS | {CONFIG} | {f"{name}_file" for name in SECRETS}

Variables = Mapping[str, str | None]


def network_variables() -> dict[str, str]:
    """The proxies and certificates of the environment, which the HTTP libraries read by themselves."""
    return {name: value for name, value in os.environ.items() if name.lower() in NAMES}


def load(
    config: Path | None = None, *, secrets_dir: Path = Path("/run/secrets"), **given: Any
) -> tuple[Settings, list[str]]:
    """Return the settings, and warnings for the log. Raises one ConfigError that names every mistake."""
    problems: list[str] = []
    unread: list[str] = []
    warnings: list[str] = []
    environment: Variables = {name.lower(): value for name, value in os.environ.items()}
    dotenv = dotenv_file(Path(".env"), unread)
    hide_secrets([environment, dotenv], SECRETS)
    unknown([*environment, *dotenv], _VARIABLES, problems, warnings)
    in_file, refused = _settings_file(config or _config_path(environment, dotenv), problems, unread)
    lower = {
        **in_file,
        **mounted_secrets(secrets_dir, SECRETS, problems),
        **{name: value for name, value in dotenv.items() if value and name in _FIELDS},
        **secret_files(dotenv, SECRETS, problems),
    }
    higher = secret_files(environment, SECRETS, problems)
    hide_secrets([higher, lower], SECRETS)
    broken = not_text({**in_file, **dotenv, **environment, **given}, _FIELDS - set(SECRETS))
    refused |= broken.keys() | {name for name in SECRETS if {**lower, **higher}.get(name) == UNREADABLE}
    problems += [*unread, *bad_proxies(environment), *broken.values()]
    try:
        settings = _model(higher, lower)(**given)
    except ValidationError as error:
        problems += [
            invalid(it, environment, _VARIABLES)
            for it in error.errors()
            if it["loc"][0] not in refused and not (unread and it["type"] == "missing")
        ]
        raise config_error(problems) from None
    if problems:
        raise config_error(problems)
    return settings, [*warnings, *unused_overrides(settings)]


def _config_path(environment: Variables, dotenv: Variables) -> Path | None:
    path = environment.get(CONFIG) or dotenv.get(CONFIG)
    return Path(path) if path else None


def _settings_file(path: Path | None, problems: list[str], unread: list[str]) -> tuple[dict[str, Any], set[str]]:
    """The file's values of valid type, and the names of the fields with values of another type."""
    found = toml_values(path, toml_file(path, unread), _FIELDS, problems) if path else {}
    hide_secrets([found], SECRETS)
    found = split_indexes(found, problems)
    return well_typed(found, _types(Settings), _types(IndexOverride), SECRETS, problems)


def _types(model: type[BaseModel]) -> dict[str, object]:
    return {name: field.annotation for name, field in model.model_fields.items() if name != "overrides"}


def _model(higher: Mapping[str, Any], lower: Mapping[str, Any]) -> type[Settings]:
    """Settings whose values come from `higher` before the environment, and from `lower` after it."""

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            *_: Any,
            **__: Any,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            secrets, files = (InitSettingsSource(settings_cls, dict(values)) for values in (higher, lower))
            return init_settings, secrets, env_settings, files

    return Loaded
