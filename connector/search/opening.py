"""Opens the clients of a search. Apart from what applications import, because the clients are slow to import."""

from connector.domain.errors import ConfigError
from connector.domain.masking import hide
from connector.qdrant.sink import QdrantSink
from connector.search.collection_lookup import CollectionLookup
from connector.search.moment_finder import MomentFinder
from connector.search.query_embedding import QueryEmbedding
from connector.search.search_places import SearchPlaces
from connector.settings.loading import network_variables
from connector.twelvelabs.rate_limiter import Limiter
from connector.twelvelabs.source import TwelveLabsSource
from connector.twelvelabs.transport import ApiTransport


def opened(places: SearchPlaces) -> MomentFinder:
    """Sends no request. Raises ConfigError for an invalid address or key."""
    hide([places.qdrant_api_key or ""])
    sink = QdrantSink(
        places.qdrant_url,
        places.qdrant_api_key,
        places.qdrant_grpc_port,
        places.data_dir,
        environment=network_variables(),
        oversampling=places.oversampling,
    )
    return MomentFinder(sink, QueryEmbedding(lambda: _source(places)), CollectionLookup(sink, places))


def _source(places: SearchPlaces) -> TwelveLabsSource:
    if not places.twelvelabs_api_key:
        cause = "queries by text, image or audio need it, and it is not set"
        raise ConfigError("use", "TWELVELABS_API_KEY", cause, "Set it, or use similar() or query_vector()")
    transport = ApiTransport(
        places.twelvelabs_base_url,
        places.twelvelabs_api_key,
        Limiter(places.requests_per_minute),
        environment=network_variables(),
    )
    return TwelveLabsSource(transport)
