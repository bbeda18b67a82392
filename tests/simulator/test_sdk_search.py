"""The official SDK's search and embedding tasks against the simulator: its typed objects and its exceptions."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from twelvelabs import AsyncTwelveLabs, TwelveLabs
from twelvelabs.core.api_error import ApiError
from twelvelabs.errors import BadRequestError, InternalServerError, NotFoundError, TooManyRequestsError
from twelvelabs.types import AsyncAudioInputRequest, AsyncVideoInputRequest, MediaSource
from twelvelabs.wrapper.search_client_wrapper import AsyncSearchClientWrapper, SearchClientWrapper

from tests.comparing import differences
from tests.simulator.access import Access

UNKNOWN = "0" * 24
URL = "https://example.invalid/red-bus.mp4"
VIDEO = AsyncVideoInputRequest(media_source=MediaSource(url=URL))


@pytest.fixture
def sdk(api: Access) -> Iterator[TwelveLabs]:
    with httpx.Client(timeout=20, trust_env=False) as http:
        yield TwelveLabs(api_key="tlk_test", base_url=api.simulator.base_url, httpx_client=http)


def test_search_results_come_out_typed(api: Access, sdk: TwelveLabs, index: str) -> None:
    found = sdk.search.create(
        index_id=index,
        query_text="goal celebration",
        search_options=["visual", "audio", "transcription"],
        transcription_options=["lexical", "semantic"],
        operator="or",
        group_by="clip",
        page_limit=3,
        filter='{"category": "sports", "duration": {"gte": 1}}',
        include_user_metadata=True,
    )
    assert found.data is not None
    assert found.page_info is not None
    assert found.search_pool is not None

    first = found.data[0]
    assert first.transcription == "listen to the goal celebration"
    assert first.video_id == api.control.asset_ids(index)[0]
    assert first.user_metadata is not None
    assert first.user_metadata["season"] == 2026
    assert first.thumbnail_url
    assert [item.rank for item in found.data] == [*range(1, len(found.data) + 1)]
    assert all((item.end or 0) > (item.start or 0) for item in found.data)
    assert differences(found.page_info, limit_per_page=3, total_inner_matches=None) == {}
    assert found.page_info.page_expires_at
    assert differences(found.search_pool, total_count=8, index_id=index) == {}


def test_the_pager_of_the_sdk_walks_all_pages(api: Access, sdk: TwelveLabs, index: str) -> None:
    """Its own `query`, which sends none of the deprecated parameters; then the pages one by one."""
    options = ["visual", "transcription"]
    assert isinstance(sdk.search, SearchClientWrapper)
    pager = sdk.search.query(
        index_id=index, query_text="red goal", search_options=options, page_limit=1, threshold="high"
    )
    ranks = [item.rank for item in pager]

    assert len(ranks) > 1
    assert ranks == [*range(1, len(ranks) + 1)]
    assert {entry.status for entry in api.control.requests} == {200}
    first = sdk.search.create(index_id=index, query_text="red goal", search_options=options, page_limit=1)
    assert first.page_info is not None
    assert first.page_info.total_results == len(ranks)
    second = sdk.search.retrieve(first.page_info.next_page_token or "", include_user_metadata=True)
    assert second.data is not None
    assert second.page_info is not None
    assert second.data[0].rank == 2
    assert second.data[0].user_metadata
    assert second.page_info.prev_page_token


def test_videos_are_grouped(sdk: TwelveLabs, index: str) -> None:
    found = sdk.search.create(index_id=index, query_text="goal", search_options=["visual"], group_by="video")
    assert found.data
    assert found.page_info is not None

    clips = [clip for video in found.data for clip in video.clips or []]
    assert found.page_info.total_inner_matches == len(clips)
    assert {clip.video_id for clip in clips} == {video.id for video in found.data}
    assert sorted(clip.rank or 0 for clip in clips) == [*range(1, len(clips) + 1)]


def test_images_are_queries(sdk: TwelveLabs, index: str) -> None:
    """By URL, by file, several of them, and composed with a text."""
    url = "https://example.invalid/goal-celebration.jpg"
    by_url = sdk.search.create(index_id=index, query_media_type="image", query_media_url=url, search_options=["visual"])
    by_file = sdk.search.create(
        index_id=index,
        query_media_type="image",
        query_media_file=("goal-celebration.png", io.BytesIO(b"x")),
        search_options=["visual"],
    )
    assert isinstance(sdk.search, SearchClientWrapper)
    several = sdk.search.query(
        index_id=index,
        query_media_type="image",
        query_media_urls=[url, "https://example.invalid/sourdough.jpg"],
        search_options=["visual"],
    )
    composed = sdk.search.create(
        index_id=index, query_media_type="image", query_media_url=url, query_text="slide", search_options=["visual"]
    )

    assert by_url.data
    assert by_url.data == by_file.data
    assert {item.video_id for item in several} > {item.video_id for item in by_url.data}
    assert composed.data


def test_the_old_model_is_searched(api: Access, sdk: TwelveLabs) -> None:
    """Score and confidence instead of a rank."""
    found = sdk.search.create(
        index_id=api.control.index_ids[1], query_text="goal celebration", search_options=["visual", "audio"]
    )
    assert found.data

    assert {item.rank for item in found.data} == {None}
    assert all(getattr(item, "score", 0) > 0 and getattr(item, "confidence", "") for item in found.data)


def test_embedding_tasks_v1(api: Access, sdk: TwelveLabs) -> None:
    """Created, awaited with the SDK's own loop, retrieved and listed."""
    created = sdk.embed.tasks.create(
        model_name="marengo3.0", video_url=URL, video_clip_length=5, video_embedding_scope=["clip", "video"]
    )
    assert created.id is not None
    wait = getattr(sdk.embed.tasks, "wait_for_done")  # noqa: B009  the wrapper is not in the SDK's types
    done = wait(created.id, sleep_interval=0.001, callback=lambda _: api.control.advance(3))
    assert differences(done, id=created.id, status="ready", model_name="marengo3.0") == {}

    task = sdk.embed.tasks.retrieve(created.id, embedding_option=["visual", "transcription"])
    assert task.video_embedding is not None
    assert task.video_embedding.metadata is not None
    segments = task.video_embedding.segments or []
    assert {(one.embedding_option, one.embedding_scope) for one in segments} == {
        (option, scope) for option in ("visual", "transcription") for scope in ("clip", "video")
    }
    assert {len(one.float_ or []) for one in segments} == {512}
    assert differences(task.video_embedding.metadata, input_url=URL, video_clip_length=5.0) == {}
    assert task.created_at is not None
    uploaded = sdk.embed.tasks.create(model_name="marengo3.0", video_file=("kite.mp4", io.BytesIO(b"x")))
    assert [one.id for one in sdk.embed.tasks.list(page_limit=1)] == [uploaded.id, created.id]


def test_embedding_tasks_v2(api: Access, sdk: TwelveLabs) -> None:
    created = sdk.embed.v_2.tasks.create(input_type="video", model_name="marengo3.0", video=VIDEO)
    assert (created.status, created.data) == ("processing", None)
    assert sdk.embed.v_2.tasks.retrieve(created.id).status == "processing"
    api.control.advance(60)
    task = sdk.embed.v_2.tasks.retrieve(created.id)
    assert task.status == "ready"
    assert {one.embedding_scope for one in task.data or []} == {"clip", "asset"}
    assert {len(one.embedding) for one in task.data or []} == {512}
    assert task.metadata is not None
    assert task.metadata.input_type == "video"
    (listed,) = sdk.embed.v_2.tasks.list(status="ready")
    assert listed.video_embedding is not None
    assert listed.id == created.id

    api.control.set_knobs(embed_task_fate="failed")
    audio = AsyncAudioInputRequest(media_source=MediaSource(base_64_string="QUJD"))
    failing = sdk.embed.v_2.tasks.create(input_type="audio", model_name="marengo3.5", audio=audio)
    assert failing.metadata is not None
    assert failing.metadata.embedding_dimension == 512
    api.control.advance(60)
    failed = sdk.embed.v_2.tasks.retrieve(failing.id)
    assert failed.error is not None
    assert failed.error.message


async def test_the_asynchronous_client_searches(api: Access, index: str) -> None:
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        sdk = AsyncTwelveLabs(api_key="tlk_test", base_url=api.simulator.base_url, httpx_client=http)
        assert isinstance(sdk.search, AsyncSearchClientWrapper)
        pager = await sdk.search.query(index_id=index, query_text="red goal", search_options=["visual"], page_limit=1)
        ranks = [item.rank async for item in pager]

    assert ranks == [*range(1, len(ranks) + 1)]
    assert len(ranks) > 1


def search(sdk: TwelveLabs, index: str, query: str = "goal", option: str = "visual", **more: Any) -> object:
    return sdk.search.create(index_id=index, query_text=query, search_options=[option], **more)


@pytest.mark.parametrize(
    ("call", "kind", "status", "code"),
    [
        (lambda sdk, _: search(sdk, UNKNOWN), ApiError, 404, "resource_not_exist"),
        (lambda sdk, _: search(sdk, "nonsense"), BadRequestError, 400, "parameter_invalid"),
        (lambda sdk, i: search(sdk, i, option="smell"), BadRequestError, 400, "search_option_not_supported"),
        (lambda sdk, i: search(sdk, i, filter="{"), BadRequestError, 400, "search_filter_invalid"),
        (lambda sdk, i: search(sdk, i, operator="xor"), BadRequestError, 400, "parameter_invalid"),
        (lambda sdk, i: search(sdk, i, query=""), BadRequestError, 400, "parameter_not_provided"),
        (lambda sdk, _: sdk.search.retrieve("x"), BadRequestError, 400, "search_page_token_expired"),
        (lambda sdk, _: sdk.embed.tasks.create(model_name="x", video_url=URL), BadRequestError, 400, None),
        (lambda sdk, _: sdk.embed.tasks.retrieve(UNKNOWN), ApiError, 404, "resource_not_exist"),
        (lambda sdk, _: sdk.embed.tasks.status("nonsense"), BadRequestError, 400, "parameter_invalid"),
        (lambda sdk, _: sdk.embed.tasks.list(page_limit=51), BadRequestError, 400, "parameter_invalid"),
        (lambda sdk, _: sdk.embed.v_2.tasks.retrieve(UNKNOWN), NotFoundError, 404, None),
        (
            lambda sdk, _: sdk.embed.v_2.tasks.create(input_type="audio", model_name="marengo3.0"),
            BadRequestError,
            400,
            None,
        ),
    ],
)
def test_refusals_have_their_class(
    sdk: TwelveLabs, index: str, call: Callable[[TwelveLabs, str], object], kind: type[ApiError], status: int, code: str
) -> None:
    with pytest.raises(kind) as caught:
        call(sdk, index)

    assert caught.value.status_code == status
    assert isinstance(caught.value.body, dict)
    assert code in (None, caught.value.body.get("code"))


def test_rate_limits_and_faults_apply(api: Access, sdk: TwelveLabs, index: str) -> None:
    api.control.set_knobs(rate_limit=1)
    search(sdk, index)
    with pytest.raises(TooManyRequestsError) as caught:
        search(sdk, index)
    assert "retry-after" in (caught.value.headers or {})
    with pytest.raises(TooManyRequestsError) as caught:
        sdk.embed.v_2.tasks.create(input_type="video", model_name="marengo3.0", video=VIDEO)
    assert caught.value.body["error"]["code"] == "RATE_LIMIT_EXCEEDED"

    api.control.set_knobs(rate_limit=None)
    api.control.inject("POST /embed-v2/tasks", status=500)
    with pytest.raises(InternalServerError):
        sdk.embed.v_2.tasks.create(input_type="video", model_name="marengo3.0", video=VIDEO)
    api.control.inject("POST /search", status=200, body='{"data": [')
    with pytest.raises(ApiError) as cut:
        search(sdk, index)
    assert cut.value.status_code == 200
