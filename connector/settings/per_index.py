"""Settings that may differ for one index: its `[[indexes]]` table and its timing."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from connector.domain.policy import DeleteMode
from connector.settings.names import PREFIX
from connector.settings.ranges import RANGES
from connector.settings.setting_types import CollectionTemplate, CronExpression, MetadataIndexes, Options


class IndexOverride(BaseModel):
    """An `[[indexes]]` table: the settings that differ for one index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    collection: CollectionTemplate | None = None
    embedding_options: Options | None = None
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
        if not self.cron:
            return self.reconcile_sec
        from connector.settings.cron import period_of  # noqa: PLC0415  slow, and rarely needed

        return period_of(self.cron)
