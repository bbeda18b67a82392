"""`/`: whether everything is current, and what each index does. `/events` is the stream of its changes."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from connector.domain.errors import ConnectorError
from connector.web.connections import most_connections
from connector.web.event_stream import EventStream, StreamBounds
from connector.web.pages.error_pages import unavailable
from connector.web.pages.live_overview import LiveOverview
from connector.web.pages.rendering import page
from connector.web.pages.status_site import StatusSite

_STREAM_SHARE = 4


def overview_routes(site: StatusSite, bounds: StreamBounds | None = None) -> list[BaseRoute]:
    """`bounds`: by default a quarter of the connections may be streams."""
    live = LiveOverview(site)
    streams = bounds or StreamBounds(most=max(most_connections() // _STREAM_SHARE, 2))

    async def show(_: Request) -> Response:
        now = site.clock()
        try:
            view = await live.current()
        except ConnectorError as error:
            return unavailable(error, now)
        return page("overview.html", now, here="overview", view=view, cluster=site.live().get("cluster"))

    async def events(_: Request) -> Response:
        if site.stopping.is_set():
            return PlainTextResponse("the connector is shutting down", 503)
        return EventStream(live.changes(), streams)

    return [Route("/", show), Route("/events", events)]
