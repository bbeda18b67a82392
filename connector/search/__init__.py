"""Search what the connector wrote to Qdrant: a library for applications (docs/search.md).

    with VideoSearch.from_settings() as search:
        for moments in search.query("goal celebration", limit=3):
            for moment in moments:
                print(moment.filename, moment.start_sec, moment.end_sec, moment.transcript)

Everything else in this package is private.
"""

from connector.domain.errors import (
    AuthenticationFailed,
    ConfigError,
    ConnectorError,
    RateLimited,
    SinkMismatch,
    SinkUnavailable,
    Unavailable,
)
from connector.search.async_video_search import AsyncVideoSearch
from connector.search.moment_request import Rerank, SearchOptions
from connector.search.payload_filters import Filters
from connector.search.results import Moment, Moments
from connector.search.video_search import VideoSearch

__all__ = [
    "AsyncVideoSearch",
    "AuthenticationFailed",
    "ConfigError",
    "ConnectorError",
    "Filters",
    "Moment",
    "Moments",
    "RateLimited",
    "Rerank",
    "SearchOptions",
    "SinkMismatch",
    "SinkUnavailable",
    "Unavailable",
    "VideoSearch",
]
