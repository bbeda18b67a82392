"""All pages of the status listener."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.web.pages.error_pages import not_found
from connector.web.pages.index_page import index_routes
from connector.web.pages.overview_page import overview_routes
from connector.web.pages.rendering import load_templates
from connector.web.pages.static_files import STATIC_ROUTE
from connector.web.pages.status_site import StatusSite


def page_routes(site: StatusSite) -> list[BaseRoute]:
    """The last one matches every other path, so they come after all others. Call it in a running loop."""
    # The first page does not wait for it: compiling takes 60 ms of CPU.
    asyncio.get_running_loop().run_in_executor(None, load_templates)

    async def missing(_: Request) -> Response:
        return not_found("page", site.clock())

    return [STATIC_ROUTE, *overview_routes(site), *index_routes(site), Route("/{path:path}", missing)]
