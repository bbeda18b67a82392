"""The settings of the connector, each with its default; `loading` reads them."""

from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_place import LedgerPlace
from connector.domain.payload_profile import PayloadProfile
from connector.domain.policy import DeleteMode
from connector.settings.per_index import IndexOverride, Timing
from connector.settings.ranges import RANGES
from connector.settings.reindex_jobs import ledger_home
from connector.settings.setting_types import (
    SQLITE,
    ApiUrl,
    CollectionTemplate,
    Directory,
    Host,
    IndexIds,
    LedgerUrl,
    MetadataIndexes,
    Options,
    QdrantUrl,
    Secret,
)

SECRETS = (
    "twelvelabs_api_key",
    "qdrant_api_key",
    "connector_ledger_url",
    "connector_http_token",
    "connector_webhook_secret",
)

_DAY = 86_400.0


class Settings(BaseSettings):
    """Each field is an environment variable, in lower case. Durations are in seconds."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    twelvelabs_api_key: Secret
    twelvelabs_base_url: ApiUrl = "https://api.twelvelabs.io/v1.3"
    qdrant_url: QdrantUrl = "embedded"
    qdrant_api_key: Secret | None = None
    qdrant_grpc_port: int = 6334
    connector_indexes: IndexIds
    connector_embedding_options: Options | None = None
    connector_transcript: bool = True
    connector_sparse_transcript: bool = False
    connector_media_links: bool = False
    connector_payload_profile: PayloadProfile = "none"
    connector_metadata_indexes: MetadataIndexes = {}
    connector_collection: CollectionTemplate = "twelvelabs-{model}"
    connector_data_dir: Directory = Path("data")
    connector_ledger_url: LedgerUrl = SecretStr(SQLITE)
    connector_poll_interval: float = 60.0
    connector_reconcile_interval: float = 3600.0
    connector_refresh_interval: float = _DAY
    connector_deep_refresh_interval: float = 30 * _DAY
    connector_concurrency: int = 4
    connector_requests_per_minute: int | None = None
    connector_delete_mode: DeleteMode = "sync"
    connector_delete_grace: float = 0.0
    connector_max_deletes: int = 10
    connector_max_delete_ratio: float = 0.2
    connector_max_attempts: int = 5
    connector_drain_timeout: float = 20.0
    connector_http_host: Host = "127.0.0.1"
    connector_http_port: int = 8080
    connector_http_token: Secret | None = None
    connector_webhook_secret: Secret | None = None
    connector_webhook_host: Host = "0.0.0.0"  # noqa: S104  TwelveLabs calls it from the internet; off without a secret
    connector_webhook_port: int = 8081
    connector_log_level: Literal["debug", "info", "warning", "error"] = "info"
    connector_log_format: Literal["auto", "console", "json"] = "auto"
    overrides: tuple[IndexOverride, ...] = ()

    @field_validator(*RANGES, mode="before")
    @classmethod
    def within_range(cls, value: Any, field: ValidationInfo) -> Any:
        return value if value is None else RANGES[str(field.field_name)].check(value)

    @field_validator("connector_sparse_transcript")
    @classmethod
    def has_transcripts(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("connector_transcript") is False:
            advice = "set CONNECTOR_TRANSCRIPT=true, and transcript = false for the indexes that need no transcripts"
            raise ValueError(f"there are no transcripts to make vectors of: {advice}")
        return value

    @property
    def ledger_home(self) -> Path:
        """The directory of the ledger and its lock: each collection of a reindex has its own.

        Raises LedgerUnavailable if the file of a reindex is unreadable.
        """
        return ledger_home(self.connector_data_dir, self.connector_collection)

    @property
    def ledger(self) -> LedgerPlace:
        """Raises LedgerUnavailable like `ledger_home`."""
        url, home = self.connector_ledger_url.get_secret_value(), self.ledger_home
        part = home.relative_to(self.connector_data_dir).as_posix() if home != self.connector_data_dir else ""
        return LedgerPlace(home, None if url == SQLITE else url, part=part)

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
        found = {**general, **special}
        return IndexSettings(
            index_id=index_id,
            media_links=self.connector_media_links,
            payload_profile=self.connector_payload_profile,
            sparse_transcript=self.connector_sparse_transcript and bool(found["transcript"]),
            delete_grace=self.connector_delete_grace,
            max_deletes=self.connector_max_deletes,
            max_delete_ratio=self.connector_max_delete_ratio,
            max_attempts=self.connector_max_attempts,
            refresh_interval=self.connector_refresh_interval,
            deep_refresh_interval=self.connector_deep_refresh_interval,
            **found,
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
