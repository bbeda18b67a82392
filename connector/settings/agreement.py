"""What processes on one ledger must agree on: where they work, and what their plans depend on."""

import socket

from connector.domain.endpoints import Endpoints
from connector.domain.fingerprint import canonical_json, digest
from connector.domain.index_settings import settings_digest
from connector.settings.connector_settings import Settings

_EMBEDDED = "embedded"


def endpoints_of(settings: Settings) -> Endpoints:
    storage = settings.connector_data_dir.absolute() / "qdrant" if settings.qdrant_url == _EMBEDDED else None
    return Endpoints.of(
        settings.twelvelabs_base_url,
        settings.twelvelabs_api_key.get_secret_value(),
        settings.qdrant_url,
        storage=None if storage is None else str(storage),
        host=socket.gethostname(),
    )


def digest_of(settings: Settings, index_id: str) -> str:
    """Of all that a plan for the index depends on: another process may carry it out only with the same."""
    where = endpoints_of(settings)
    parts = [settings_digest(settings.of_index(index_id)), where.source, where.sink, where.key_digest]
    return digest(canonical_json(parts))


def digest_of_all(settings: Settings) -> str:
    """Tells whether two processes plan alike, whatever the index."""
    index_ids = ["", *sorted(override.id for override in settings.overrides)]
    return digest(canonical_json([[index_id, digest_of(settings, index_id)] for index_id in index_ids]))
