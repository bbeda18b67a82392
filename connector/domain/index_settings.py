"""How one index is synced: the settings that the engine needs, whatever they were read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.domain.errors import ConfigError
from connector.domain.fingerprint import PointConfig
from connector.domain.marengo import KNOWN, options_of, select
from connector.domain.model import CollectionInfo, CollectionSpec, DeleteMode, Index
from connector.domain.plan import Policy


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """`collection` is a template with `{model}` and perhaps `{index_id}`; intervals are in seconds."""

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
        """How often a daemon looks for due refreshes: often enough to spread them over the interval."""
        return min(self.refresh_interval, self.deep_refresh_interval) / 24

    @property
    def point_settings(self) -> dict[str, Any]:
        """The settings that shape points, as JSON values: what two owners of one index would have to agree on."""
        options = None if self.embedding_options is None else sorted(self.embedding_options)
        return {"embedding_options": options, "transcript": self.transcript, "media_links": self.media_links}

    def policy(self, now: float) -> Policy:
        """What the settings alone say of a plan's policy."""
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
        """All named vectors of the model, whatever is wanted of it or its first asset happens to hold.

        `options` are those of a model that is not known: what the index has and what the asset holds.
        """
        known = KNOWN.get(model)
        return CollectionSpec(self.collection_name(model), model, dimension, tuple(known.options) if known else options)

    def known_spec(self, index: Index) -> CollectionSpec | None:
        """What is needed of the collection of the index's model, as far as the model is known beforehand."""
        known = KNOWN.get(index.model or "")
        return self.spec(known.name, known.dimension, tuple(known.options)) if known else None

    def needed_spec(self, index: Index, found: CollectionInfo | None) -> CollectionSpec | None:
        """The same; for an unknown model what its collection, which has a dimension already, must have."""
        known = self.known_spec(index)
        if known or index.model is None or found is None or found.model != index.model:
            return known
        options = self._wanted(index)
        dimension = next((found.vectors[option][0] for option in options if option in found.vectors), 0)
        return CollectionSpec(found.name, index.model, dimension, options)

    def point_config(self, index: Index) -> PointConfig:
        """Raises ConfigError when there is nothing to sync in the index."""
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
            raise ConfigError("sync index", index.index_id, "it has no Marengo model and so no embeddings", advice)
        wanted = select(index.model, index.model_options, self.embedding_options)
        if not wanted:
            named = ", ".join(self.embedding_options or ()) or "none"
            offered = ", ".join(options_of(index.model, index.model_options)) or "none"
            cause = f"the wanted embedding options ({named}) are none of its own ({offered})"
            raise ConfigError("sync index", index.index_id, cause, "Correct CONNECTOR_EMBEDDING_OPTIONS")
        return wanted
