"""Faults of TwelveLabs that concern one asset: its retrieval and its content."""

import zlib
from collections.abc import Callable
from typing import Any

from connector.domain.errors import AssetError, AuthenticationFailed, MalformedAsset, RateLimited, Unavailable
from connector.engine.embedding_lag import EmbeddingLag
from tests.e2e.fault_rows import Becomes, SourceFault, Where
from tests.e2e.index_faults import AWAY, GONE, HTML, KEY, LATER, PLAN

AT = Where.RETRIEVAL
MB = 1 << 20
GZIP, PLAIN = {"content-encoding": "gzip"}, {"content-encoding": "identity"}
DATE = {"date": "Sun, 01 Mar 2026 09:00:00 GMT"}
IN_A_SECOND = "Sun, 01 Mar 2026 09:00:01 GMT"
EPOCH_OF_THAT = "1772355601"


def segments(change: Callable[[list[Any]], object]) -> dict[str, Any]:
    def rewrite(body: Any) -> Any:
        change(body["embedding"]["video_embedding"]["segments"])
        return body

    return {"rewrite": rewrite}


def first(**facts: Any) -> dict[str, Any]:
    return segments(lambda found: found[0].update(facts))


def vectors(change: Callable[[list[float]], object]) -> dict[str, Any]:
    def of_each(found: list[Any]) -> None:
        for one in found:
            one["float"] = change(one["float"])

    return segments(of_each)


def fact(**facts: Any) -> dict[str, Any]:
    return {"rewrite": lambda body: {**body, **facts}}


def of_unknown_model(body: Any) -> Any:
    body["embedding"]["model_name"] = "pegasus1.2"
    return body


def without_embedding(body: Any) -> Any:
    return {key: value for key, value in body.items() if key != "embedding"}


def again(found: list[Any]) -> None:
    found.append(dict(found[0]))


def again_with_another_vector(found: list[Any]) -> None:
    found.append({**found[0], "float": found[0]["float"][::-1]})


def padded(body: Any) -> Any:
    """The asset with 100 MB more."""
    return {**body, "padding": "x" * (100 * MB)}


def bomb(megabytes: int) -> bytes:
    """A gzip stream of so many megabytes: one compressed megabyte, repeated."""
    packing = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    head = packing.compress(b'{"padding": "') + packing.flush(zlib.Z_FULL_FLUSH)
    return head + (packing.compress(b"x" * MB) + packing.flush(zlib.Z_FULL_FLUSH)) * megabytes


def limited(name: str, body: Any = None, **headers: str) -> SourceFault:
    """A 429 that demands about a second, or says nothing."""
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    fault = {"status": 429, "headers": sent, "body": body, "count": 1}
    return SourceFault(f"429 once, {name}", AT, fault, Becomes.APPLIED)


def refused(name: str, fault: dict[str, Any], *words: str) -> SourceFault:
    return SourceFault(name, AT, fault, Becomes.FAILED, AssetError, words)


def lasting(name: str, fault: dict[str, Any], *words: str) -> SourceFault:
    return SourceFault(name, AT, fault, Becomes.DEFERRED, Unavailable, words)


def passing(name: str, fault: dict[str, Any]) -> SourceFault:
    return SourceFault(name, AT, fault, Becomes.APPLIED)


def malformed(name: str, fault: dict[str, Any], *words: str) -> SourceFault:
    return SourceFault(name, AT, fault, Becomes.FAILED, MalformedAsset, words)


STATUS_FAULTS = (
    refused("400", {"status": 400}, "retrieve asset", "400"),
    SourceFault(
        "401", AT, {"status": 401, "body": KEY}, Becomes.CYCLE_FAILED, AuthenticationFailed, ("TWELVELABS_API_KEY",)
    ),
    SourceFault(
        "403", AT, {"status": 403, "body": PLAN}, Becomes.CYCLE_FAILED, AuthenticationFailed, ("plan and region",)
    ),
    SourceFault("404, deleted while it is retrieved", AT, {"status": 404, "body": GONE}, Becomes.VANISHED),
    lasting("404 with HTML", {"status": 404, "body": HTML}, "not from the API", "any proxy"),
    lasting("408", {"status": 408}, "408", "retries automatically"),
    refused("409", {"status": 409}, "retrieve asset", "409"),
    refused("422 with an empty body", {"status": 422, "body": ""}, "retrieve asset", "422"),
    limited("flat body, Retry-After in seconds", retry_after="0.2"),
    limited("flat body, Retry-After as a date", retry_after=IN_A_SECOND, **DATE),
    limited("nested body with retryAfter", {"error": {"code": "too_many_requests", "details": {"retryAfter": 0.2}}}),
    limited("empty body, no header", ""),
    limited("HTML body", HTML, retry_after="0.2"),
    limited("new reset header", "", x_ratelimit_request_reset=EPOCH_OF_THAT, **DATE),
    limited("old reset header", "", x_ratelimit_reset=EPOCH_OF_THAT, **DATE),
    SourceFault(
        "429 for an hour",
        AT,
        {"status": 429, "headers": LATER},
        Becomes.DEFERRED,
        RateLimited,
        ("429", "CONNECTOR_REQUESTS_PER_MINUTE"),
    ),
    passing("500 once", {"status": 500, "count": 1}),
    lasting("500", {"status": 500}, "retrieve asset", "500"),
    lasting("502 with HTML", {"status": 502, "body": HTML}, "502"),
    passing("503 once with Retry-After", {"status": 503, "headers": {"retry-after": "0.2"}, "count": 1}),
    lasting("503 for an hour", {"status": 503, "headers": LATER}, "503"),
    lasting("redirect to another host", {"status": 308, "headers": AWAY}, "308", "redirects are not followed"),
    passing("connection reset once", {"drop": True, "count": 1}),
    lasting("connection reset", {"drop": True}, "127.0.0.1", "Check the network"),
)

BODY_FAULTS = (
    passing("slow body", {"slow": 0.3}),
    passing("cut body once", {"cut_at": 0.6, "count": 1}),
    lasting("cut body", {"cut_at": 0.6}, "127.0.0.1", "Check the network"),
    lasting("invalid JSON", {"status": 200, "body": '{"_id": '}, "truncated or not JSON"),
    lasting("HTML with 200", {"status": 200, "body": HTML}, "truncated or not JSON"),
    lasting("damaged gzip", {"status": 200, "body": b"\x1f\x8b" + b"x" * 600, "headers": GZIP}, "DecodingError"),
    SourceFault("100 MB body", AT, {"rewrite": padded, "headers": PLAIN}, Becomes.APPLIED, only_new=True),
    SourceFault(
        "gzip bomb",
        AT,
        {"status": 200, "body": bomb(600), "headers": GZIP},
        Becomes.FAILED,
        MalformedAsset,
        ("larger than", "bytes"),
        only_new=True,
    ),
    malformed("a list", {"status": 200, "body": []}, "invalid content"),
    malformed("nested too deeply", {"status": 200, "body": "[" * 100_000 + "]" * 100_000}, "invalid content"),
    malformed("another asset", fact(_id="another"), "is about 'another'"),
)

CONTENT_FAULTS = (
    malformed("wrong type of the embedding", fact(embedding="none"), "invalid content"),
    malformed("null vector", first(float=None), "missing or not a list of numbers"),
    malformed("vector that is a text", first(float="0.1, 0.2"), "missing or not a list of numbers"),
    malformed("empty vector", first(float=[]), "is empty"),
    malformed("null in a vector", vectors(lambda found: [None, *found[1:]]), "not a list of numbers"),
    malformed("NaN as a text in a vector", vectors(lambda found: ["NaN", *found[1:]]), "not a list of numbers"),
    malformed("number beyond float32", vectors(lambda found: [1e39, *found[1:]]), "not a finite float32"),
    malformed("zero vector", first(float=[0.0] * 512), "is all zero"),
    malformed("wrong dimension", vectors(lambda found: found[:256]), "dimension 256", "has 512"),
    malformed("mixed dimensions", first(float=[1.0] * 511), "but others have 511"),
    passing("the same segment twice", segments(again)),
    malformed("one segment with two vectors", segments(again_with_another_vector), "two different vectors"),
    malformed("inverted time range", first(start_offset_sec=9.0, end_offset_sec=3.0), "runs from 9 to 3 seconds"),
    malformed("negative time range", first(start_offset_sec=-1.0), "runs from -1 to"),
    malformed("time range without an end", first(end_offset_sec=None), "is incomplete"),
    malformed("time range that is a text", first(start_offset_sec="0:00"), "invalid content"),
    malformed("segment without an option", first(embedding_option=None), "has no embedding_option"),
    malformed("segment without a scope", first(embedding_scope=None), "has no embedding_scope"),
    malformed("unknown model", {"rewrite": of_unknown_model}, "not a Marengo model"),
    SourceFault("no segments", AT, segments(list.clear), Becomes.APPLIED, only_new=True, shown_later=True),
    SourceFault(
        "embedding that lags behind ready",
        AT,
        {"rewrite": without_embedding},
        Becomes.DEFERRED,
        EmbeddingLag,
        ("although the asset is ready", "It will be retried"),
    ),
    SourceFault("no longer ready", AT, fact(status="indexing", embedding=None), Becomes.WAITING),
)
