"""Reads the settings from command line, environment, `.env`, secret files and a TOML file; earlier ones override.

The only module of the connector that reads the environment.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from connector.domain.network_variables import NAMES
from connector.settings.connector_settings import SECRETS, Settings, given_only
from connector.settings.mistakes import bad_proxies, config_error, invalid, not_text, unused_overrides
from connector.settings.names import CONFIG, OPENTELEMETRY, unknown
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

_DOTENV = Path(".env")
SECRETS_DIR = Path("/run/secrets")

Variables = Mapping[str, str | None]
NO_KEY = "not set"
_NO_ACCOUNT = {"twelvelabs_api_key": NO_KEY, "connector_indexes": "*"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: the kind of source, and the variable or file."""

    kind: Literal["environment", ".env", "secret_file", "file", "command_line"]
    place: str


@dataclass(slots=True)
class Gathered:
    """The values of all sources, not yet validated; `refused` are fields with a known problem.

    `unread` are problems with whole files: what is missing may be in them.
    """

    config: Path | None
    config_origin: Origin | None
    environment: Variables
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def put(self, found: Mapping[str, Any], origin: Callable[[str], Origin]) -> None:
        """Add values of a source that precedes the earlier ones."""
        self.values |= found
        self.origins |= {name: origin(name) for name in found}

    def mistakes(self, error: ValidationError) -> list[str]:
        return [
            invalid(it, self.environment, _VARIABLES)
            for it in error.errors()
            if it["loc"][0] not in self.refused and not (self.unread and it["type"] == "missing")
        ]


def network_variables() -> dict[str, str]:
    """The proxies and certificates of the environment, which the HTTP libraries read by themselves."""
    return {name: value for name, value in os.environ.items() if name.lower() in NAMES}


def tracing_variables() -> dict[str, str]:
    """The standard variables of OpenTelemetry, which its SDK reads by itself. Empty values count as unset."""
    return {name: value for name, value in os.environ.items() if name.startswith(OPENTELEMETRY) and value}


def load(
    config: Path | None = None, *, secrets_dir: Path = SECRETS_DIR, needs_account: bool = True, **given: Any
) -> tuple[Settings, list[str]]:
    """Return the settings, and warnings for the log. Raises one ConfigError that names every mistake.

    Without `needs_account`, the key and the indexes may be missing, for those who only read what is stored. A missing
    key is then NO_KEY.
    """
    found = gather(config, secrets_dir)
    problems = found.problems
    try:
        settings = given_only(**{**({} if needs_account else _NO_ACCOUNT), **found.values, **given})
    except ValidationError as error:
        raise config_error([*problems, *found.mistakes(error)]) from None
    if problems:
        raise config_error(problems)
    return settings, [*found.warnings, *unused_overrides(settings)]


def gather(config: Path | None = None, secrets_dir: Path = SECRETS_DIR) -> Gathered:
    """Read all sources, lowest precedence first."""
    problems: list[str] = []
    environment: Variables = {name.lower(): value for name, value in os.environ.items()}
    unread: list[str] = []
    dotenv = dotenv_file(_DOTENV, unread)
    hide_secrets([environment, dotenv], SECRETS)
    path, config_origin = _config_path(config, environment, dotenv)
    found = Gathered(path, config_origin, environment, problems=problems, unread=unread)
    unknown([*environment, *dotenv], _VARIABLES, problems, found.warnings)
    in_file, found.refused = _settings_file(path, problems, unread)
    found.put(in_file, lambda _: Origin("file", str(path)))
    found.put(
        mounted_secrets(secrets_dir, SECRETS, problems), lambda name: Origin("secret_file", str(secrets_dir / name))
    )
    found.put(_given(dotenv), lambda _: Origin(".env", str(_DOTENV)))
    found.put(secret_files(dotenv, SECRETS, problems), partial(_named_file, dotenv))
    found.put(_given(environment), lambda name: Origin("environment", name.upper()))
    found.put(secret_files(environment, SECRETS, problems), partial(_named_file, environment))
    hide_secrets([found.values], SECRETS)
    broken = not_text({**in_file, **dotenv, **environment}, _FIELDS - set(SECRETS))
    found.refused |= broken.keys() | {name for name in SECRETS if found.values.get(name) == UNREADABLE}
    problems += [*unread, *bad_proxies(environment), *broken.values()]
    return found


def _given(variables: Variables) -> dict[str, str]:
    return {name: value for name, value in variables.items() if value and name in _FIELDS}


def _named_file(variables: Variables, name: str) -> Origin:
    return Origin("secret_file", variables[f"{name}_file"] or "")


def _config_path(config: Path | None, environment: Variables, dotenv: Variables) -> tuple[Path | None, Origin | None]:
    if config:
        return config, Origin("command_line", "--config")
    if path := environment.get(CONFIG):
        return Path(path), Origin("environment", CONFIG.upper())
    if path := dotenv.get(CONFIG):
        return Path(path), Origin(".env", str(_DOTENV))
    return None, None


def _settings_file(path: Path | None, problems: list[str], unread: list[str]) -> tuple[dict[str, Any], set[str]]:
    """The file's values of valid type, and the names of the fields with values of another type."""
    found = toml_values(path, toml_file(path, unread), _FIELDS, problems) if path else {}
    hide_secrets([found], SECRETS)
    found = split_indexes(found, problems)
    return well_typed(found, _types(Settings), _types(IndexOverride), SECRETS, problems)


def _types(model: type[BaseModel]) -> dict[str, object]:
    return {name: field.annotation for name, field in model.model_fields.items() if name != "overrides"}
