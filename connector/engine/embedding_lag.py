"""An asset that is ready, but whose embedding is missing: lag at first, a failure when it lasts."""

from connector.domain.errors import AssetError
from connector.domain.ledger_model import Attempt

LONGEST_LAG_SEC = 3600.0


class EmbeddingLag(AssetError):
    """The asset is ready, but its embedding is not available yet: deferred."""

    code = "embedding_lag"


class EmbeddingMissing(AssetError):
    """The embedding is still missing after LONGEST_LAG_SEC: failed."""

    code = "embedding_missing"


def embedding_missing(name: str, attempt: Attempt, now: float) -> AssetError:
    """Shortly after an asset becomes ready, its embedding may be missing; a lasting absence is a failure."""
    operation = "retrieve embeddings of asset"
    cause = "the response has no embedding, although the asset is ready"
    if now - attempt.since < LONGEST_LAG_SEC:
        return EmbeddingLag(operation, name, cause, "It will be retried")
    return EmbeddingMissing(operation, name, cause, "Re-index it in TwelveLabs")
