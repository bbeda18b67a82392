"""The asset page, the search, and their JSON."""

from starlette.routing import BaseRoute

from connector.web.moment_api import moment_api
from connector.web.pages.asset_page import asset_routes
from connector.web.pages.moment_site import MomentSite
from connector.web.pages.search_page import search_routes


def moment_routes(site: MomentSite) -> list[BaseRoute]:
    return [*moment_api(site), *asset_routes(site), *search_routes(site)]
