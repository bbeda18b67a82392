"""The text of a scrape, in the format that the client prefers: Prometheus' own, or OpenMetrics."""

from prometheus_client import CollectorRegistry
from prometheus_client import generate_latest as in_text_format
from prometheus_client.openmetrics.exposition import generate_latest as in_openmetrics

OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS, _TEXT = "application/openmetrics-text", ("text/plain", "text/*", "*/*")


def exposition(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The body and its content type. `accept` is the request's header, of any content."""
    if prefers_openmetrics(accept):
        return in_openmetrics(registry), OPENMETRICS_TYPE  # type: ignore[no-untyped-call]
    return in_text_format(registry), TEXT_TYPE


def prefers_openmetrics(accept: str) -> bool:
    """By quality, then by order; text if neither is named. Other parameters, such as the version, do not count."""
    offered = [_read(part) for part in accept.split(",")]
    best = max((quality for _, quality in offered), default=0.0)
    return next((media == _OPENMETRICS for media, quality in offered if quality and quality == best), False)


def _read(part: str) -> tuple[str, float]:
    """Media type and quality; quality 0 for a type that is not served."""
    media, *parameters = (it.strip().lower() for it in part.split(";"))
    if media != _OPENMETRICS and media not in _TEXT:
        return media, 0.0
    quality = next((it.partition("=")[2] for it in parameters if it.startswith("q=")), "1")
    try:
        return media, min(max(float(quality), 0.0), 1.0)
    except ValueError:
        return media, 1.0
