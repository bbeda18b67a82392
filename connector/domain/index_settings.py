"""The settings of one index that the engine needs, independent of where they were read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.domain.errors import ConfigError
from connector.domain.fingerprint import PointConfig
from connector.domain.marengo import KNOWN, options_of, select
from connector.domain.policy import DeleteMode, Policy
from connector.domain.sink_model import CollectionInfo, CollectionSpec
from connector.domain.source_model import Index


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """`collection` is a template with `{model}` and optionally `{index_id}`; intervals are in seconds."""

    index_id: str
    collection: str = "twelvelabs-{model}"
    embedding_options: tuple[str, ...] | None = None
    transcript: bool = True
    media_links: bool = False
    metadata_indexes: Mapping[str, str] = field(default_factory=dict)
    delete_mode: DeleteMode = "sync"
    max_deletes: int = 10
    max_delete_ratio: float = 0.2
    max_attempts: int = 5
    refresh_interval: float = 86_400.0
    deep_refresh_interval: float = 30 * 86_400.0

    @property
    def refresh_period(self) -> float:
        """Seconds between two checks for due refreshes: 1/24 of the shorter interval, which spreads the load."""
        return min(self.refresh_interval, self.deep_refresh_interval) / 24

    @property
    def point_settings(self) -> dict[str, Any]:
        """The settings that shape points, as JSON values. Ledgers with equal values may take an index over."""
        options = None if self.embedding_options is None else sorted(self.embedding_options)
        return {"embedding_options": options, "transcript": self.transcript, "media_links": self.media_links}

    def policy(self, now: float) -> Policy:
        """The part of a plan's policy that depends on settings only."""
        return Policy(
            now=now,
            delete_mode=self.delete_mode,
            max_deletes=self.max_deletes,
            max_delete_ratio=self.max_delete_ratio,
            max_attempts=self.max_attempts,
        )

    def collection_name(self, model: str) -> str:
        return self.collection.format(model=model, index_id=self.index_id)

    def spec(self, model: str, dimension: int, options: tuple[str, ...]) -> CollectionSpec:
        """Spec with all named vectors of the model, regardless of the wanted options and of the first asset.

        `options` applies to unknown models only: the options of the index and of the asset.
        """
        known = KNOWN.get(model)
        return CollectionSpec(self.collection_name(model), model, dimension, tuple(known.options) if known else options)

    def known_spec(self, index: Index) -> CollectionSpec | None:
        """Required collection of the index's model; None for an unknown model."""
        known = KNOWN.get(index.model or "")
        return self.spec(known.name, known.dimension, tuple(known.options)) if known else None

    def needed_spec(self, index: Index, found: CollectionInfo | None) -> CollectionSpec | None:
        """Like `known_spec`; for an unknown model, take the dimension from its existing collection `found`."""
        known = self.known_spec(index)
        if known or index.model is None or found is None or found.model != index.model:
            return known
        options = self._wanted(index)
        dimension = next((found.vectors[option][0] for option in options if option in found.vectors), 0)
        return CollectionSpec(found.name, index.model, dimension, options)

    def point_config(self, index: Index) -> PointConfig:
        """Raises ConfigError when the index has no embeddings to sync."""
        return PointConfig(
            model=index.model,
            options=self._wanted(index),
            collection=self.collection,
            transcript=self.transcript,
            media_links=self.media_links,
        )

    def _wanted(self, index: Index) -> tuple[str, ...]:
        advice = "Remove it from CONNECTOR_INDEXES"
        if index.model is None:
            raise ConfigError("sync index", index.index_id, "it has no Marengo model, so it has no embeddings", advice)
        wanted = select(index.model, index.model_options, self.embedding_options)
        if not wanted:
            named = ", ".join(self.embedding_options or ()) or "none"
            offered = ", ".join(options_of(index.model, index.model_options)) or "none"
            cause = f"it has none of the wanted embedding options ({named}); it has: {offered}"
            raise ConfigError("sync index", index.index_id, cause, "Correct CONNECTOR_EMBEDDING_OPTIONS")
        return wanted
