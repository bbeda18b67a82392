"""Settings from the command line, the environment, `.env`, secret files and a TOML file, in this order.

Only this package reads the environment.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from connector.domain.errors import ConfigError
from connector.domain.index_settings import IndexSettings
from connector.domain.policy import DeleteMode
from connector.settings.cron import period_of
from connector.settings.ranges import RANGES
from connector.settings.setting_types import (
    CollectionTemplate,
    CronExpression,
    IndexIds,
    MetadataIndexes,
    QdrantUrl,
    Secret,
    WebAddress,
    Words,
)
from connector.settings.sources import (
    bad_proxies,
    did_you_mean,
    dotenv_file,
    hide_secrets,
    mounted_secrets,
    not_text,
    secret_files,
    split_indexes,
    toml_file,
    unknown,
)
from connector.settings.toml_types import PREFIX, well_typed

SECRETS = ("twelvelabs_api_key", "qdrant_api_key", "connector_webhook_secret")

_CONFIG = PREFIX + "config"
_DAY = 86_400.0


class IndexOverride(BaseModel):
    """An `[[indexes]]` table: the settings that differ for one index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    collection: CollectionTemplate | None = None
    embedding_options: Words | None = None
    transcript: bool | None = None
    poll_interval: float | None = None
    reconcile_interval: float | None = None
    cron: CronExpression | None = None
    delete_mode: DeleteMode | None = None
    metadata_indexes: MetadataIndexes | None = None

    @field_validator("poll_interval", "reconcile_interval", mode="before")
    @classmethod
    def within_range(cls, value: Any, field: ValidationInfo) -> Any:
        return RANGES[f"{PREFIX}{field.field_name}"].check(value)


@dataclass(frozen=True, slots=True)
class Timing:
    """Intervals in seconds; `cron`, if set, replaces `reconcile_sec`."""

    poll_sec: float
    reconcile_sec: float
    cron: str | None

    @property
    def period_sec(self) -> float:
        """Seconds between two full cycles."""
        return period_of(self.cron) if self.cron else self.reconcile_sec


class Settings(BaseSettings):
    """Each field is an environment variable, in lower case. Durations are in seconds."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    twelvelabs_api_key: Secret
    twelvelabs_base_url: WebAddress = "https://api.twelvelabs.io/v1.3"
    qdrant_url: QdrantUrl = "embedded"
    qdrant_api_key: Secret | None = None
    qdrant_grpc_port: int = 6334
    connector_indexes: IndexIds
    connector_embedding_options: Words | None = None
    connector_transcript: bool = True
    connector_media_links: bool = False
    connector_metadata_indexes: MetadataIndexes = {}
    connector_collection: CollectionTemplate = "twelvelabs-{model}"
    connector_data_dir: Path = Path("data")
    connector_poll_interval: float = 60.0
    connector_reconcile_interval: float = 3600.0
    connector_refresh_interval: float = _DAY
    connector_deep_refresh_interval: float = 30 * _DAY
    connector_concurrency: int = 4
    connector_requests_per_minute: int | None = None
    connector_delete_mode: DeleteMode = "sync"
    connector_max_deletes: int = 10
    connector_max_delete_ratio: float = 0.2
    connector_max_attempts: int = 5
    connector_drain_timeout: float = 20.0
    connector_http_host: str = "127.0.0.1"
    connector_http_port: int = 8080
    connector_webhook_secret: Secret | None = None
    connector_webhook_host: str = "0.0.0.0"  # noqa: S104  TwelveLabs calls it from the internet; off without a secret
    connector_webhook_port: int = 8081
    connector_log_level: Literal["debug", "info", "warning", "error"] = "info"
    connector_log_format: Literal["auto", "console", "json"] = "auto"
    overrides: tuple[IndexOverride, ...] = ()

    @field_validator(*RANGES, mode="before")
    @classmethod
    def within_range(cls, value: Any, field: ValidationInfo) -> Any:
        return value if value is None else RANGES[str(field.field_name)].check(value)

    @property
    def ledger_path(self) -> Path:
        return self.connector_data_dir / "ledger.sqlite3"

    @property
    def lock_path(self) -> Path:
        return self.connector_data_dir / "ledger.lock"

    def timing_of(self, index_id: str) -> Timing:
        """The poll and full cycle intervals of this index."""
        override = self._override(index_id)
        return Timing(
            poll_sec=override.poll_interval or self.connector_poll_interval,
            reconcile_sec=override.reconcile_interval or self.connector_reconcile_interval,
            cron=override.cron,
        )

    def _override(self, index_id: str) -> IndexOverride:
        return next((it for it in self.overrides if it.id == index_id), IndexOverride(id=index_id))

    def of_index(self, index_id: str) -> IndexSettings:
        """The general settings, with the overrides that the TOML file has for this index."""
        override = self._override(index_id)
        general = {
            "collection": self.connector_collection,
            "embedding_options": self.connector_embedding_options,
            "transcript": self.connector_transcript,
            "delete_mode": self.connector_delete_mode,
            "metadata_indexes": self.connector_metadata_indexes,
        }
        special = {key: value for key in general if (value := getattr(override, key)) is not None}
        return IndexSettings(
            index_id=index_id,
            media_links=self.connector_media_links,
            max_deletes=self.connector_max_deletes,
            max_delete_ratio=self.connector_max_delete_ratio,
            max_attempts=self.connector_max_attempts,
            refresh_interval=self.connector_refresh_interval,
            deep_refresh_interval=self.connector_deep_refresh_interval,
            **{**general, **special},
        )


def given_only(**given: Any) -> Settings:
    """Settings from these arguments only; ignores environment and files."""

    class Given(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del settings_cls
            return (init_settings,)

    return Given(**given)


def load(
    config: Path | None = None, *, secrets_dir: Path = Path("/run/secrets"), **given: Any
) -> tuple[Settings, list[str]]:
    """Return the settings, and warnings for the log. Raises one ConfigError that names every mistake."""
    problems: list[str] = []
    warnings: list[str] = []
    environment: dict[str, str | None] = {name.lower(): value for name, value in os.environ.items()}
    dotenv = dotenv_file(Path(".env"), problems)
    unknown([*environment, *dotenv], _SETTABLE, problems, warnings)
    path = config or next((Path(p) for p in (environment.get(_CONFIG), dotenv.get(_CONFIG)) if p), None)
    in_file = toml_file(path, _FIELDS, problems) if path else {}
    hide_secrets([environment, dotenv, in_file], SECRETS)
    in_file = split_indexes(in_file, problems)
    in_file, refused = well_typed(in_file, _types(Settings), _types(IndexOverride), SECRETS, problems)
    below = {
        **in_file,
        **mounted_secrets(secrets_dir, SECRETS, problems),
        **{name: value for name, value in dotenv.items() if value and name in _FIELDS},
        **secret_files(dotenv, SECRETS, problems),
    }
    above = secret_files(environment, SECRETS, problems)
    hide_secrets([above, below], SECRETS)
    problems += [*bad_proxies(environment), *not_text({**in_file, **environment}, _FIELDS - set(SECRETS))]

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
            secrets, files = InitSettingsSource(settings_cls, above), InitSettingsSource(settings_cls, below)
            return init_settings, secrets, env_settings, files

    try:
        settings = Loaded(**given)
    except ValidationError as error:
        problems += [_mistake(it, environment) for it in error.errors() if it["loc"][0] not in refused]
        raise _config_error(problems) from None
    if problems:
        raise _config_error(problems)
    return settings, [*warnings, *_strangers(settings)]


def _types(model: type[BaseModel]) -> dict[str, object]:
    return {name: field.annotation for name, field in model.model_fields.items() if name != "overrides"}


def _strangers(settings: Settings) -> list[str]:
    """Warn of overrides for an index that is not synced: a typo, or a variable that names fewer indexes."""
    if settings.connector_indexes == ("*",):
        return []
    return [
        f"indexes: {override.id} has its own table but is not in CONNECTOR_INDEXES"
        for override in settings.overrides
        if override.id not in settings.connector_indexes
    ]


def _mistake(error: Mapping[str, Any], environment: Mapping[str, str | None]) -> str:
    field, *inner = error["loc"]
    name = str(field).upper()
    if field == "overrides":
        table, key = f"table {int(inner[0]) + 1} of indexes", str(inner[-1])
        if error["type"] == "extra_forbidden":
            return f"{table}: unknown setting {key}{did_you_mean(key, IndexOverride.model_fields)}"
        return f"{table}: {key}: {_words(error)}"
    if error["type"] == "missing":
        return f"{name} is required: {_REQUIRED[str(field)]}{_spelled_otherwise(str(field), environment)}"
    return f"{name}: {_words(error)}"


_FIELDS = frozenset(Settings.model_fields) - {"overrides"}
_SETTABLE = _FIELDS | {_CONFIG} | {f"{name}_file" for name in SECRETS}
_REQUIRED = {
    "twelvelabs_api_key": "create a key in the TwelveLabs dashboard, or try `connector demo` without one",
    "connector_indexes": "name the index ids, separated by commas, or * for every index of the account",
}


def _spelled_otherwise(field: str, environment: Mapping[str, str | None]) -> str:
    near = [name for name in difflib.get_close_matches(field, environment, n=1, cutoff=0.8) if name not in _SETTABLE]
    return f" ({near[0].upper()} is set: check the spelling)" if near else ""


def _words(error: Mapping[str, Any]) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


def _config_error(problems: list[str]) -> ConfigError:
    listed = "".join(f"\n  - {problem}" for problem in dict.fromkeys(problems))
    return ConfigError("read settings", "", f"{len(problems)} mistake{'s' if len(problems) > 1 else ''}{listed}")
