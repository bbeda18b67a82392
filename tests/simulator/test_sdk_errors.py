"""The simulator's refusals and faults as exceptions of the official SDK."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from twelvelabs import TextInputRequest, TwelveLabs
from twelvelabs.core.api_error import ApiError
from twelvelabs.errors import (
    BadRequestError,
    ConflictError,
    ContentTooLargeError,
    InternalServerError,
    NotFoundError,
    TooManyRequestsError,
)

from tests.simulator.access import Access, access

UNKNOWN = "0" * 24


@pytest.fixture
def sdk(api: Access) -> Iterator[TwelveLabs]:
    with httpx.Client(timeout=20, trust_env=False) as http:
        yield TwelveLabs(api_key="tlk_test", base_url=api.simulator.base_url, httpx_client=http)


@pytest.mark.parametrize(
    ("call", "kind", "status", "code"),
    [
        (lambda sdk, _: sdk.indexes.list(page_limit=51), BadRequestError, 400, "parameter_invalid"),
        (lambda sdk, _: sdk.indexes.retrieve(UNKNOWN), ApiError, 404, "resource_not_exist"),
        (lambda sdk, _: sdk.indexes.retrieve("nonsense"), BadRequestError, 400, "parameter_invalid"),
        (lambda sdk, _: sdk.indexes.create(index_name="x", models=[]), BadRequestError, 400, None),
        (lambda sdk, i: sdk.indexes.indexed_assets.list(i, sort_by="x"), BadRequestError, 400, "parameter_invalid"),
        (lambda sdk, i: sdk.indexes.indexed_assets.retrieve(i, UNKNOWN), NotFoundError, 404, "resource_not_exist"),
        (lambda sdk, i: sdk.indexes.indexed_assets.create(i, asset_id=UNKNOWN), NotFoundError, 404, None),
        (lambda sdk, i: sdk.indexes.indexed_assets.delete(i, UNKNOWN), ApiError, 404, "resource_not_exist"),
        (lambda sdk, i: sdk.indexes.videos.retrieve(i, UNKNOWN), NotFoundError, 404, "resource_not_exist"),
        (lambda sdk, _: sdk.assets.retrieve(UNKNOWN), NotFoundError, 404, "resource_not_exist"),
        (lambda sdk, _: sdk.assets.create(method="url"), BadRequestError, 400, "parameter_not_provided"),
        (lambda sdk, _: sdk.tasks.retrieve("nonsense"), BadRequestError, 400, "parameter_invalid"),
        (lambda sdk, _: sdk.embed.create(model_name="x", text="a"), BadRequestError, 400, "parameter_invalid"),
    ],
)
def test_refusals_have_their_class(
    sdk: TwelveLabs, index: str, call: Callable[[TwelveLabs, str], object], kind: type[ApiError], status: int, code: str
) -> None:
    """400 and 404 as declared per endpoint; for all others the base class with the status."""
    with pytest.raises(kind) as caught:
        call(sdk, index)

    assert caught.value.status_code == status
    assert isinstance(caught.value.body, dict)
    assert code in (None, caught.value.body["code"])


def test_an_asset_in_use_is_a_conflict(api: Access, sdk: TwelveLabs, index: str) -> None:
    with pytest.raises(ConflictError):
        sdk.assets.delete(api.control.asset(index, api.control.asset_ids(index)[0])["asset_id"])


def test_a_wrong_key_is_the_base_class() -> None:
    with (
        access(api_key="right") as api,
        httpx.Client(trust_env=False) as http,
        pytest.raises(ApiError) as caught,
    ):
        TwelveLabs(api_key="wrong", base_url=api.simulator.base_url, httpx_client=http).indexes.list()

    assert caught.value.status_code == 401


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (413, ContentTooLargeError),
        (429, TooManyRequestsError),
        (500, InternalServerError),
        (503, ApiError),
    ],
)
def test_embed_v2_has_the_most_classes(api: Access, sdk: TwelveLabs, status: int, kind: type[ApiError]) -> None:
    """With the nested body in the exception."""
    api.control.inject("POST /embed-v2", status=status)
    with pytest.raises(kind) as caught:
        embed(sdk)

    assert caught.value.status_code == status
    error = getattr(caught.value.body, "error", None) or caught.value.body["error"]
    assert (error["code"] if isinstance(error, dict) else error.code).isupper()


def embed(sdk: TwelveLabs) -> object:
    return sdk.embed.v_2.create(input_type="text", model_name="marengo3.0", text=TextInputRequest(input_text="a dog"))


def test_the_rate_limit_reaches_the_sdk(api: Access, sdk: TwelveLabs) -> None:
    """Its exception carries Retry-After and the headers of the limit."""
    api.control.set_knobs(rate_limit=1, rate_limit_headers="both")
    sdk.indexes.retrieve(api.control.index_ids[0])
    with pytest.raises(ApiError) as caught:
        sdk.indexes.retrieve(api.control.index_ids[0])

    headers = caught.value.headers or {}
    assert caught.value.status_code == 429
    assert {"retry-after", "x-ratelimit-reset", "x-ratelimit-request-limit"} <= headers.keys()


def test_the_sdk_retries_what_it_is_told_to(api: Access, sdk: TwelveLabs) -> None:
    """max_retries=3 sends at most two requests, because of an off-by-two error in the SDK."""
    api.control.inject("GET /indexes/*", status=429, count=1, headers={"retry-after": "0.01"})
    sdk.indexes.retrieve(api.control.index_ids[0], request_options={"max_retries": 3})

    assert [entry.status for entry in api.control.requests] == [429, 200]


def test_a_truncated_document_is_an_error_with_status_200(api: Access, sdk: TwelveLabs) -> None:
    api.control.inject("GET /indexes", status=200, body='{"data": [')
    with pytest.raises(ApiError) as caught:
        sdk.indexes.list()

    assert caught.value.status_code == 200


def test_html_from_the_edge_is_kept_as_text(api: Access, sdk: TwelveLabs) -> None:
    api.control.inject("GET /indexes", status=502, body="<html>", headers={"content-type": "text/html"})
    with pytest.raises(ApiError) as caught:
        sdk.indexes.list()

    assert (caught.value.status_code, caught.value.body) == (502, "<html>")


@pytest.mark.parametrize("knob", ["200_no_embedding", "400", "404"])
def test_an_asset_that_is_not_ready(api: Access, sdk: TwelveLabs, index: str, knob: str) -> None:
    """No error, BadRequestError or NotFoundError."""
    asset = api.control.asset_ids(index)[0]
    api.control.set_status(index, asset, "indexing")
    api.control.set_knobs(not_ready_embedding=knob)
    if knob == "200_no_embedding":
        assert sdk.indexes.indexed_assets.retrieve(index, asset, embedding_option=["visual"]).embedding is None
        return
    with pytest.raises({"400": BadRequestError, "404": NotFoundError}[knob]):
        sdk.indexes.indexed_assets.retrieve(index, asset, embedding_option=["visual"])


@pytest.mark.parametrize("past_end", ["empty", "null"])
def test_iteration_ends_whatever_the_last_page_says(api: Access, sdk: TwelveLabs, index: str, past_end: str) -> None:
    api.control.set_knobs(past_end=past_end)

    assert len(list(sdk.indexes.indexed_assets.list(index))) == 8


def test_null_vectors_are_none(api: Access, sdk: TwelveLabs, index: str) -> None:
    api.control.set_knobs(null_float=1.0)
    asset = sdk.indexes.indexed_assets.retrieve(index, api.control.asset_ids(index)[0], embedding_option=["visual"])
    assert asset.embedding is not None
    assert asset.embedding.video_embedding is not None

    assert {segment.float_ for segment in asset.embedding.video_embedding.segments or []} == {None}
