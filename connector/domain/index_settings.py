"""The settings of one index that the engine needs, independent of where they were read from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.bm25 import BM25_VERSION
from connector.domain.errors import ConfigError
from connector.domain.fingerprint import PointConfig, canonical_json, digest
from connector.domain.marengo import KNOWN, options_of, select
from connector.domain.payload_profile import PayloadProfile
from connector.domain.policy import DeleteMode, Policy
from connector.domain.sink_model import LAYOUT_VERSION, CollectionInfo, CollectionSpec
from connector.domain.source_model import Index


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """`collection` is a template with `{model}` and optionally `{index_id}`; intervals are in seconds.

    `sparse_transcript` is False without `transcript`.

    The defaults are in `settings.connector_settings`.
    """

    index_id: str
    collection: str
    embedding_options: tuple[str, ...] | None
    transcript: bool
    media_links: bool
    payload_profile: PayloadProfile
    sparse_transcript: bool
    metadata_indexes: Mapping[str, str]
    delete_mode: DeleteMode
    delete_grace: float
    max_deletes: int
    max_delete_ratio: float
    max_attempts: int
    refresh_interval: float
    deep_refresh_interval: float

    @property
    def refresh_period(self) -> float:
        """Seconds between two checks for due refreshes: 1/24 of the shorter interval, which spreads the load."""
        return min(self.refresh_interval, self.deep_refresh_interval) / 24

    @property
    def point_settings(self) -> dict[str, Any]:
        """The settings that shape points, as JSON values. Ledgers with equal values may take an index over.

        Settings that came later are left out at their default, which changes nothing for existing owners.
        """
        options = None if self.embedding_options is None else sorted(self.embedding_options)
        settings = {"embedding_options": options, "transcript": self.transcript, "media_links": self.media_links}
        sparse = {"sparse_transcript": BM25_VERSION} if self.sparse_transcript else {}
        profile = {} if self.payload_profile == "none" else {"payload_profile": self.payload_profile}
        return settings | sparse | profile

    def policy(self, now: float) -> Policy:
        """The part of a plan's policy that depends on settings only."""
        return Policy(
            now=now,
            delete_mode=self.delete_mode,
            delete_grace=self.delete_grace,
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
        named = tuple(known.options) if known else options
        return CollectionSpec(self.collection_name(model), model, dimension, named, self.sparse_transcript)

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
        return CollectionSpec(found.name, index.model, dimension, options, self.sparse_transcript)

    def point_config(self, index: Index) -> PointConfig:
        """Raises ConfigError when the index has no embeddings to sync."""
        return PointConfig(
            model=index.model,
            options=self._wanted(index),
            collection=self.collection,
            transcript=self.transcript,
            media_links=self.media_links,
            payload_profile=self.payload_profile,
            sparse_transcript=self.sparse_transcript,
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


def settings_digest(settings: IndexSettings) -> str:
    """Digest of the settings that the plan of a listing depends on."""
    return digest(canonical_json([LAYOUT_VERSION, settings.collection, settings.point_settings]))
