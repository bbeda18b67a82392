"""`/indexes/{index_id}`: the assets of an index by state, a page at a time."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.domain.errors import ConnectorError
from connector.ledger.shown_states import shown_summary
from connector.web.pages.asset_list import AssetsWanted, list_assets, wanted_by
from connector.web.pages.error_pages import bad_request, not_found, unavailable
from connector.web.pages.links import index_url, named_by
from connector.web.pages.overview_facts import decided_report, unready_assets
from connector.web.pages.rendering import page
from connector.web.pages.shares import LABELS, shares
from connector.web.pages.status_site import StatusSite


def index_routes(site: StatusSite) -> list[BaseRoute]:
    async def assets(request: Request) -> Response:
        now, index_id = site.clock(), named_by(request.path_params["index_id"])
        try:
            wanted = wanted_by(request.query_params)
            if not await is_known(site, index_id):
                return not_found("index with this id", now)
            return await _show(site, index_id, wanted, now)
        except ValueError as error:
            return bad_request(str(error), now)
        except ConnectorError as error:
            return unavailable(error, now)

    return [Route("/indexes/{index_id}", assets)]


async def is_known(site: StatusSite, index_id: str) -> bool:
    """True for an index of the ledger, or one that the daemon works on. Raises LedgerUnavailable."""
    return index_id in site.live()["indexes"] or await site.ledger.state(index_id) is not None


async def _show(site: StatusSite, index_id: str, wanted: AssetsWanted, now: float) -> Response:
    ledger, settings = site.ledger, site.settings_of(index_id)
    in_hand = site.live()["indexes"].get(index_id, {}).get("in_hand", ())
    state = await ledger.state(index_id)
    summary = await shown_summary(ledger, index_id, settings.max_attempts, in_hand)
    unready = await unready_assets(ledger, index_id, state, settings.max_attempts)
    waiting = len(state.pending) if state else 0
    withheld = (await decided_report(ledger, index_id)).withheld
    return page(
        "assets.html",
        now,
        index_id=index_id,
        name=(state and state.index_name) or index_id,
        wanted=wanted,
        labels=LABELS,
        shares=shares(summary, max(waiting - unready.elsewhere, 0), withheld, again=unready.applied),
        listed=await list_assets(ledger, index_id, state, wanted, settings.max_attempts, in_hand),
        here_url=index_url(index_id),
        withheld=withheld,
    )
