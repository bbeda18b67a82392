"""The endpoint /metrics for Prometheus, on the status listener."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

METRICS_PATH = "/metrics"

Scrape = Callable[[str], Awaitable[tuple[bytes, str]]]
"""From the Accept header to the body and its content type."""


def metrics_route(scrape: Scrape) -> Route:
    async def metrics(request: Request) -> Response:
        body, content_type = await scrape(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    return Route(METRICS_PATH, metrics)
