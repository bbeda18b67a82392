"""The effective settings, each with its source; usable while there are mistakes, which it lists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from connector.domain.masking import MASK, masked
from connector.domain.postgres_url import SCHEMES, shown_postgres_url
from connector.settings.connector_settings import Settings, given_only
from connector.settings.loading import SECRETS_DIR, Gathered, Origin, gather
from connector.settings.mistakes import unused_overrides
from connector.settings.names import CONFIG, PREFIX
from connector.settings.ranges import RANGES
from connector.settings.setting_types import SQLITE

# Stand in for required settings that are missing, so that the others can be validated.
_REQUIRED = {"twelvelabs_api_key": "missing", "connector_indexes": "*"}


_POSTGRES = tuple(f"{scheme}://" for scheme in SCHEMES)


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting. `value` has only JSON types, durations in seconds; None if not set or not valid."""

    name: str
    value: Any
    origin: Origin | None = None
    valid: bool = True

    @property
    def written(self) -> str:
        """The value as a variable has it."""
        known = RANGES.get(self.name.lower()) or RANGES.get(PREFIX + self.name.lower())
        if not self.valid:
            return "not valid"
        if self.value is None or self.value in ([], {}):
            return "none"
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, dict):
            return ",".join(f"{key}:{kind}" for key, kind in self.value.items())
        if isinstance(self.value, list):
            return ",".join(self.value)
        return known.written(self.value) if known else str(self.value)


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """All settings, and of each index with a table of its own those that differ."""

    settings: list[Effective]
    indexes: dict[str, list[Effective]] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def effective_settings(config: Path | None = None, secrets_dir: Path = SECRETS_DIR) -> EffectiveSettings:
    """Never raises for a mistake in the settings."""
    found = gather(config, secrets_dir)
    settings, invalid, mistakes = _validated(found)
    rows = [
        Effective(CONFIG.upper(), plain(found.config), found.config_origin),
        *(
            Effective(
                name.upper(),
                None if name in invalid else plain(getattr(settings, name)),
                found.origins.get(name),
                name not in invalid,
            )
            for name in Settings.model_fields
            if name != "overrides"
        ),
    ]
    file = Origin("file", str(found.config))
    indexes = {
        table.id: [
            Effective(key, plain(getattr(table, key)), file)
            for key in type(table).model_fields
            if key != "id" and getattr(table, key) is not None
        ]
        for table in settings.overrides
    }
    unused = [] if "connector_indexes" in invalid else unused_overrides(settings)
    return EffectiveSettings(rows, indexes, mistakes, [*found.warnings, *unused])


def _validated(found: Gathered) -> tuple[Settings, set[str], list[str]]:
    """The settings without the wrong values, the names of the fields that have one, and all mistakes."""
    try:
        return given_only(**found.values), found.refused, list(dict.fromkeys(found.problems))
    except ValidationError as error:
        wrong = [it["loc"] for it in error.errors()]
        invalid = found.refused | {str(field) for field, *inner in wrong if not inner}
        values = {name: value for name, value in found.values.items() if name not in invalid}
        tables = _without_wrong_keys(found.values.get("overrides", ()), wrong)
        missing = {name: value for name, value in _REQUIRED.items() if name in invalid}
        mistakes = list(dict.fromkeys([*found.problems, *found.mistakes(error)]))
        return given_only(**{**values, **missing, "overrides": tables}), invalid, mistakes


def _without_wrong_keys(
    tables: Iterable[Mapping[str, Any]], wrong: Iterable[tuple[int | str, ...]]
) -> list[dict[str, Any]]:
    """The index tables without the keys at the locations `("overrides", table number, key, ...)`."""
    places = {location[1:3] for location in wrong if location[0] == "overrides"}
    kept = [
        {key: value for key, value in table.items() if (number, key) not in places}
        for number, table in enumerate(tables)
    ]
    return [table for table in kept if isinstance(table.get("id"), str)]


def _without_secret(value: str) -> str:
    """The ledger's place is shown, without its password."""
    if value == SQLITE:
        return value
    return masked(shown_postgres_url(value)) if value.startswith(_POSTGRES) else MASK


def plain(value: Any) -> Any:
    """JSON types only; secrets masked."""
    if isinstance(value, SecretStr):
        return _without_secret(value.get_secret_value())
    if isinstance(value, tuple):
        return [masked(item) for item in value]
    return masked(str(value)) if isinstance(value, str | Path) else value
