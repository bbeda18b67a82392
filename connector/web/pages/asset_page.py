"""`/indexes/{index_id}/assets/{indexed_asset_id}`: one asset, its state, its segments on a timeline."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.domain.errors import ConnectorError
from connector.web.asset_view import AssetView
from connector.web.pages.advice import advice_on
from connector.web.pages.asset_guide import guide
from connector.web.pages.error_pages import bad_request, not_found, unavailable
from connector.web.pages.formats import duration, number
from connector.web.pages.links import named_by
from connector.web.pages.moment import TimeRange, read_moment, time_range
from connector.web.pages.moment_site import MomentSite
from connector.web.pages.plain_text import cut, plain, value_text, without_middle
from connector.web.pages.rendering import page
from connector.web.pages.segment_pages import page_count, read_page_number, segment_page

_LONGEST_HEADING, _LONGEST_TITLE, _LONGEST_ID, _LONGEST_VALUE = 160, 60, 300, 1000
_IDS = ("index_id", "indexed_asset_id", "asset_id")
_MOST_METADATA = 100
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def asset_routes(site: MomentSite) -> list[BaseRoute]:
    async def asset(request: Request) -> Response:
        now = site.clock()
        index_id, indexed_asset_id = (named_by(request.path_params[key]) for key in ("index_id", "indexed_asset_id"))
        try:
            moment, wanted = read_moment(request.query_params), read_page_number(request.query_params)
        except ValueError as error:
            return bad_request(str(error), now)
        try:
            view = await site.asset(index_id, indexed_asset_id)
        except ConnectorError as error:
            return unavailable(error, now)
        if view is None:
            return not_found("asset of this index", now)
        pages = page_count(len(view.segments))
        if wanted is not None and wanted > pages:
            return bad_request(f"page is {wanted}, but the last page of the segments is {pages}", now)
        return page("asset.html", now, **page_values(view, moment, wanted))

    return [Route("/indexes/{index_id}/assets/{indexed_asset_id}", asset)]


def page_values(view: AssetView, moment: TimeRange | None, wanted: int | None) -> dict[str, Any]:
    """What the template shows. `wanted` is a page of the segments, from 1 to the last one."""
    asset = view.document
    name = plain(asset["filename"] or "") or plain(asset["indexed_asset_id"])
    metadata = sorted(asset["user_metadata"].items())
    return {
        "asset": asset,
        "heading": without_middle(name, _LONGEST_HEADING),
        "title": without_middle(name, _LONGEST_TITLE),
        "name": without_middle(name, _LONGEST_VALUE),
        "index": without_middle(asset["index_name"] or asset["index_id"], _LONGEST_TITLE),
        "ids": {key: without_middle(asset[key] or "", _LONGEST_ID) for key in _IDS},
        "guide": guide(asset),
        "cause": advice_on(asset["attempt"]["code"]) if asset["attempt"] and asset["attempt"]["code"] else None,
        "facts": facts(asset["facts"]),
        "metadata": [(cut(key, _LONGEST_HEADING), cut(value_text(value), _LONGEST_VALUE)) for key, value in metadata][
            :_MOST_METADATA
        ],
        "more_metadata": max(len(metadata) - _MOST_METADATA, 0),
        "segments": segment_page(view.segments, asset["facts"]["duration_sec"], moment, wanted),
        "moment": moment and time_range(moment.start_sec, moment.end_sec),
        "scopes": len({segment.scope for segment in view.segments}) > 1,
    }


def facts(known: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and value of what is known of the video."""
    width, height = known["width"], known["height"]
    found = [
        ("Duration", known["duration_sec"] is not None and duration(known["duration_sec"])),
        ("Resolution", None not in {width, height} and f"{width:.0f} \N{MULTIPLICATION SIGN} {height:.0f}"),
        ("Frame rate", known["fps"] is not None and f"{known['fps']:g} fps"),
        ("Size", known["size_bytes"] is not None and size(known["size_bytes"])),
    ]
    return [(label, str(value)) for label, value in found if value]


def size(count: float) -> str:
    """Such as `12.3 MB`, in powers of 1000."""
    unit = next(((scale, name) for scale, name in _BYTES if count >= scale), (1, "bytes"))
    return f"{number(count / unit[0])} {unit[1]}"
