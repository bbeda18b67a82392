"""Faults of TwelveLabs that concern a whole index: its look-up, its listing, and the proof of a delete."""

from collections.abc import Callable
from typing import Any

from connector.domain.errors import AssetError, AuthenticationFailed, IndexGone, SourceUnavailable
from tests.e2e.fault_rows import ELSEWHERE, Becomes, SourceFault, Where

LOOKUP, LISTING, PROOF = Where.LOOKUP, Where.LISTING, Where.PROOF
FAILS = Becomes.CYCLE_FAILED
HTML = "<html><body>gateway</body></html>"
GONE = {"code": "resource_not_exist", "message": "Resource does not exist"}
KEY = {"code": "api_key_invalid", "message": "The API key is invalid"}
PLAN = {"code": "forbidden", "message": "Not in your plan"}
LATER = {"retry-after": "3600"}
AWAY = {"location": f"{ELSEWHERE}/v1.3"}


def another_id(body: Any) -> Any:
    return {**body, "_id": "another"}


def empty(body: Any) -> Any:
    return {"data": [], "page_info": {**body["page_info"], "total_results": 0, "total_page": 0}}


def one_more_in_total(body: Any) -> Any:
    body["page_info"]["total_results"] += 1
    return body


def first_row_twice(body: Any) -> Any:
    body["data"].append(body["data"][0])
    return one_more_in_total(body)


def without_page_info(body: Any) -> Any:
    return {"data": body["data"]}


def rows_as_text(body: Any) -> Any:
    return {**body, "data": "no rows"}


def one_row_of_wrong_types(body: Any) -> Any:
    body["data"][0]["system_metadata"]["duration"] = "long"
    return body


def incomplete(name: str, rewrite: Callable[[Any], Any]) -> SourceFault:
    words = ("the listing is incomplete",)
    return SourceFault(name, LISTING, {"rewrite": rewrite}, Becomes.WITHHELD, words=words, removed=True)


LOOKUP_FAULTS = (
    SourceFault("400, the index does not exist", LOOKUP, {"status": 400, "body": GONE}, FAILS, IndexGone, ("400",)),
    SourceFault("401", LOOKUP, {"status": 401, "body": KEY}, FAILS, AuthenticationFailed, ("TWELVELABS_API_KEY",)),
    SourceFault("403", LOOKUP, {"status": 403, "body": PLAN}, FAILS, AuthenticationFailed, ("plan and region",)),
    SourceFault("404", LOOKUP, {"status": 404, "body": GONE}, FAILS, IndexGone, ("404", "connector forget")),
    SourceFault(
        "404 with HTML",
        LOOKUP,
        {"status": 404, "body": HTML},
        FAILS,
        SourceUnavailable,
        ("404 with a page that is not from the API", "TWELVELABS_BASE_URL"),
    ),
    SourceFault("500 once", LOOKUP, {"status": 500, "count": 1}, Becomes.APPLIED),
    SourceFault("500", LOOKUP, {"status": 500}, FAILS, SourceUnavailable, ("look up index", "500")),
    SourceFault(
        "redirect to another host",
        LOOKUP,
        {"status": 307, "headers": AWAY},
        FAILS,
        SourceUnavailable,
        ("307", "redirects are not followed"),
    ),
    SourceFault(
        "body about another index", LOOKUP, {"rewrite": another_id}, FAILS, SourceUnavailable, ("is about 'another'",)
    ),
    SourceFault(
        "body of wrong type", LOOKUP, {"status": 200, "body": []}, FAILS, SourceUnavailable, ("invalid content",)
    ),
)

LISTING_FAULTS = (
    SourceFault("400", LISTING, {"status": 400}, FAILS, SourceUnavailable, ("400", "Nothing was changed")),
    SourceFault("401", LISTING, {"status": 401, "body": KEY}, FAILS, AuthenticationFailed, ("TWELVELABS_API_KEY",)),
    SourceFault("403", LISTING, {"status": 403, "body": PLAN}, FAILS, AuthenticationFailed, ("plan and region",)),
    SourceFault("404", LISTING, {"status": 404, "body": GONE}, FAILS, IndexGone, ("404", "connector forget")),
    SourceFault("408 once", LISTING, {"status": 408, "count": 1}, Becomes.APPLIED),
    SourceFault("408", LISTING, {"status": 408}, FAILS, SourceUnavailable, ("408", "retries automatically")),
    SourceFault("409", LISTING, {"status": 409}, FAILS, SourceUnavailable, ("409", "Nothing was changed")),
    SourceFault("429 once", LISTING, {"status": 429, "headers": {"retry-after": "0.1"}, "count": 1}, Becomes.APPLIED),
    SourceFault(
        "429 for an hour",
        LISTING,
        {"status": 429, "headers": LATER},
        FAILS,
        SourceUnavailable,
        ("429", "CONNECTOR_REQUESTS_PER_MINUTE"),
    ),
    SourceFault("500 once", LISTING, {"status": 500, "count": 1}, Becomes.APPLIED),
    SourceFault("502 with HTML", LISTING, {"status": 502, "body": HTML}, FAILS, SourceUnavailable, ("502",)),
    SourceFault("503 for an hour", LISTING, {"status": 503, "headers": LATER}, FAILS, SourceUnavailable, ("503",)),
    SourceFault(
        "redirect to another host",
        LISTING,
        {"status": 302, "headers": AWAY},
        FAILS,
        SourceUnavailable,
        ("302", "redirects are not followed"),
    ),
    SourceFault("connection reset once", LISTING, {"drop": True, "count": 1}, Becomes.APPLIED),
    SourceFault("slow body", LISTING, {"slow": 0.3}, Becomes.APPLIED),
    SourceFault("cut body once", LISTING, {"cut_at": 0.5, "count": 1}, Becomes.APPLIED),
    SourceFault(
        "invalid JSON",
        LISTING,
        {"status": 200, "body": '{"data": ['},
        FAILS,
        SourceUnavailable,
        ("truncated or not JSON",),
    ),
    SourceFault("wrong types", LISTING, {"rewrite": rows_as_text}, FAILS, SourceUnavailable, ("invalid content",)),
    SourceFault("wrong types in one row", LISTING, {"rewrite": one_row_of_wrong_types}, Becomes.APPLIED),
    SourceFault("empty, although there were assets", LISTING, {"rewrite": empty}, Becomes.WITHHELD, words=("empty",)),
    incomplete("incomplete, and an asset is gone", one_more_in_total),
    incomplete("without totals, and an asset is gone", without_page_info),
    incomplete("an asset twice, and another is gone", first_row_twice),
)

PROOF_FAULTS = (
    SourceFault("400", PROOF, {"status": 400}, Becomes.WITHHELD, AssetError, ("cannot confirm", "quarantine drop")),
    SourceFault("403", PROOF, {"status": 403, "body": PLAN}, FAILS, AuthenticationFailed, ("confirm asset", "403")),
    SourceFault("404 with HTML", PROOF, {"status": 404, "body": HTML}, FAILS, SourceUnavailable, ("not from the API",)),
    SourceFault("410", PROOF, {"status": 410}, Becomes.WITHHELD, AssetError, ("410", "cannot confirm")),
    SourceFault("429 for an hour", PROOF, {"status": 429, "headers": LATER}, FAILS, SourceUnavailable, ("429",)),
    SourceFault("500", PROOF, {"status": 500}, FAILS, SourceUnavailable, ("confirm asset", "500")),
    SourceFault(
        "redirect to another host", PROOF, {"status": 301, "headers": AWAY}, FAILS, SourceUnavailable, ("301",)
    ),
    SourceFault(
        "200, although not listed",
        PROOF,
        {"status": 200, "body": {"status": "ready"}},
        Becomes.WITHHELD,
        words=("exists, but is not in the listing",),
    ),
    SourceFault(
        "404 for a listed asset too",
        PROOF,
        {"status": 404, "body": GONE},
        Becomes.WITHHELD,
        words=("is in the listing, but does not exist",),
        on_listed=True,
    ),
)
