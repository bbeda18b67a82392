"""The official SDK against the simulator, through every endpoint that both support."""

import io
from collections.abc import Iterator

import httpx
import pytest
from twelvelabs import AsyncTwelveLabs, TwelveLabs
from twelvelabs.indexes import IndexesCreateRequestModelsItem
from twelvelabs.types import (
    IndexedAssetsListRequestDuration,
    MultiInputRequest,
    TextInputRequest,
    VideosListRequestDuration,
)
from twelvelabs.wrapper.task_client_wrapper import TaskClientWrapper

from tests.comparing import differences
from tests.simulator.access import Access

MODEL = IndexesCreateRequestModelsItem(model_name="marengo3.0", model_options=["visual", "audio"])


@pytest.fixture
def sdk(api: Access) -> Iterator[TwelveLabs]:
    with httpx.Client(timeout=20, trust_env=False) as http:
        yield TwelveLabs(api_key="tlk_test", base_url=api.simulator.base_url, httpx_client=http)


def test_indexes_come_out_complete(api: Access, sdk: TwelveLabs) -> None:
    """Iteration ends after one empty page; every field of the schema is filled."""
    indexes = list(sdk.indexes.list(page_limit=1))

    assert [index.id for index in indexes] == api.control.index_ids[::-1]
    assert [index.index_name for index in indexes] == ["archive-2.7", "sports-and-stories"]
    assert [(index.video_count, index.expires_at) for index in indexes] == [(4.0, None), (8.0, None)]
    assert all(index.total_duration and index.created_at and index.updated_at for index in indexes)
    assert [entry.query for entry in api.control.requests] == [f"page={page}&page_limit=1" for page in (1, 2, 3)]
    (model,) = indexes[1].models or []
    assert (model.model_name, model.model_options) == ("marengo3.0", ["visual", "audio"])


def test_indexes_are_filtered(sdk: TwelveLabs) -> None:
    found = sdk.indexes.list(
        index_name="archive-2.7",
        model_options="visual,audio",
        model_family="marengo",
        sort_by="updated_at",
        sort_option="asc",
        created_at="2026-01-01T00:00:00Z",
        updated_at="2026-01-01T00:00:00Z",
    )

    assert [index.index_name for index in found] == ["archive-2.7"]


def test_an_index_is_created_changed_and_deleted(sdk: TwelveLabs) -> None:
    created = sdk.indexes.create(index_name="mine", models=[MODEL], addons=["thumbnail"])
    assert created.id is not None
    sdk.indexes.update(created.id, index_name="yours")
    assert sdk.indexes.retrieve(created.id).index_name == "yours"
    sdk.indexes.delete(created.id)
    assert created.id not in [index.id for index in sdk.indexes.list()]


def test_indexed_assets_come_out_complete(api: Access, sdk: TwelveLabs, index: str) -> None:
    assets = list(sdk.indexes.indexed_assets.list(index, page_limit=3))

    assert [asset.id for asset in assets] == api.control.asset_ids(index)[::-1]
    for asset in assets:
        facts = asset.system_metadata
        assert facts is not None
        assert all((asset.asset_id, asset.created_at, asset.updated_at, asset.indexed_at))
        assert asset.status == "ready"
        assert all((facts.filename, facts.duration, facts.fps, facts.width, facts.height, facts.size))


def test_indexed_assets_are_filtered_as_the_sdk_writes_it(api: Access, sdk: TwelveLabs, index: str) -> None:
    """Ranges and metadata as deepObject, repeated statuses, times."""
    found = sdk.indexes.indexed_assets.list(
        index,
        sort_by="updated_at",
        sort_option="asc",
        status=["ready", "failed"],
        filename="cup-final-highlights.mp4",
        duration=IndexedAssetsListRequestDuration(gte=1, lte=9999),
        created_at="2026-01-01T00:00:00Z",
        updated_at="2026-01-01T00:00:00Z",
        user_metadata={"category": "sports", "season": 2026, "rating": 9.3, "licensed": True},
    )

    assert [asset.id for asset in found] == api.control.asset_ids(index)[:1]
    assert list(sdk.indexes.indexed_assets.list(index, user_metadata={"season": 2025})) == []


@pytest.mark.parametrize(
    ("place", "options", "dimension", "name"),
    [(0, ["visual", "audio", "transcription"], 512, "marengo3.0"), (1, ["visual-text", "audio"], 1024, "2.7")],
)
def test_embeddings_come_out_typed(
    api: Access, sdk: TwelveLabs, place: int, options: list[str], dimension: int, name: str
) -> None:
    index = api.control.index_ids[place]
    asset = sdk.indexes.indexed_assets.retrieve(
        index, api.control.asset_ids(index)[0], embedding_option=options, transcription=True
    )
    assert asset.embedding is not None
    assert asset.embedding.video_embedding is not None
    segments = asset.embedding.video_embedding.segments or []

    assert name in (asset.embedding.model_name or "")
    assert {segment.embedding_option for segment in segments} == set(options)
    assert {segment.embedding_scope for segment in segments} == {"clip"}
    assert {len(segment.float_ or []) for segment in segments} == {dimension}
    assert all((segment.end_offset_sec or 0) > (segment.start_offset_sec or 0) for segment in segments)
    assert all(word.value and word.start is not None and word.end is not None for word in asset.transcription or [])
    assert asset.transcription
    assert asset.user_metadata
    assert asset.hls is not None
    assert asset.hls.status == "COMPLETE"
    assert bool(asset.hls.video_url)
    assert bool(asset.hls.thumbnail_urls)


def test_from_upload_to_deletion(api: Access, sdk: TwelveLabs, index: str) -> None:
    """As in the vendor's guides."""
    asset = sdk.assets.create(method="url", url="https://example.invalid/red-bus.mp4", user_metadata='{"a": 1}')
    assert differences(asset, status="processing", method="url", filename="red-bus.mp4") == {}
    assert asset.id is not None
    assert sdk.assets.retrieve(asset.id).status == "ready"

    created = sdk.indexes.indexed_assets.create(
        index, asset_id=asset.id, enable_video_stream=True, user_metadata={"batch": 5, "tags": ["x", "y"]}
    )
    assert created.id is not None
    indexing = sdk.indexes.indexed_assets.retrieve(index, created.id)
    assert (indexing.status, indexing.indexed_at) == ("pending", None)
    api.control.advance(60)
    assert sdk.indexes.indexed_assets.retrieve(index, created.id).status == "ready"

    sdk.indexes.indexed_assets.update(index, created.id, user_metadata={"batch": None, "n": 1.5})
    assert sdk.indexes.indexed_assets.retrieve(index, created.id).user_metadata == {"tags": ["x", "y"], "n": 1.5}
    (summary,) = sdk.indexes.indexed_assets.list_by_asset(asset.id)
    assert summary.index is not None
    assert summary.id == created.id
    assert differences(summary.index, id=index, name="sports-and-stories") == {}
    sdk.indexes.indexed_assets.delete(index, created.id)
    sdk.assets.delete(asset.id)


def test_assets(api: Access, sdk: TwelveLabs, index: str) -> None:
    """Listed with details; metadata merged, replaced and cleared; transcription in three forms."""
    uploaded = sdk.assets.create(method="direct", file=("kite.mp4", io.BytesIO(b"x" * 1000)))
    assert uploaded.id is not None
    listed = list(sdk.assets.list(page_limit=5))
    # twelve indexed assets; two of them share an upload
    assert len(listed) == 12
    assert all(asset.technical_metadata and asset.duration and asset.hls and asset.created_at for asset in listed)
    assert [asset.id for asset in sdk.assets.list(filename="KITE", asset_types=["video"])] == [uploaded.id]

    sdk.assets.replace_user_metadata(uploaded.id, user_metadata={"a": 1, "b": "x"})
    sdk.assets.update_user_metadata(uploaded.id, user_metadata={"a": None, "c": True})
    assert sdk.assets.retrieve(uploaded.id).user_metadata == {"b": "x", "c": True}
    sdk.assets.delete_user_metadata(uploaded.id)
    assert sdk.assets.retrieve(uploaded.id).user_metadata == {}

    talking = api.control.asset(index, api.control.asset_ids(index)[0])["asset_id"]
    spoken = sdk.assets.retrieve_transcription(talking, include=["words", "sentences", "utterances"])
    assert spoken.status == "ready"
    assert spoken.words
    assert spoken.sentences
    assert spoken.utterances


def test_videos(api: Access, sdk: TwelveLabs, index: str) -> None:
    """The legacy endpoint; the SDK flattens its metadata."""
    found = list(
        sdk.indexes.videos.list(
            index, duration=VideosListRequestDuration(gte=1), user_metadata={"category": "cooking", "episode": 14}
        )
    )
    assert [video.id for video in found] == api.control.asset_ids(index)[1:2]

    assert found[0].id is not None
    video = sdk.indexes.videos.retrieve(index, found[0].id, embedding_option=["visual"], transcription=True)
    assert video.embedding is not None
    assert video.embedding.video_embedding is not None
    assert video.embedding.video_embedding.segments
    sdk.indexes.videos.update(index, found[0].id, user_metadata={"episode": 15})
    assert (sdk.indexes.videos.retrieve(index, found[0].id).user_metadata or {})["episode"] == 15
    sdk.indexes.videos.delete(index, found[0].id)
    assert len(list(sdk.indexes.videos.list(index))) == 7


def test_tasks(api: Access, sdk: TwelveLabs, index: str) -> None:
    """Created, awaited with the SDK's own loop, listed and deleted."""
    created = sdk.tasks.create(index_id=index, video_url="https://example.invalid/x.mp4", user_metadata='{"a": 1}')
    assert created.id is not None
    seen: list[str | None] = []

    def pass_time(task: object) -> None:
        seen.append(getattr(task, "status", None))
        api.control.advance(1)

    assert isinstance(sdk.tasks, TaskClientWrapper)
    done = sdk.tasks.wait_for_done(created.id, sleep_interval=0.001, callback=pass_time)
    assert differences(done, status="ready", index_id=index, video_id=created.video_id) == {}
    assert list(dict.fromkeys(seen)) == ["pending", "queued", "validating", "indexing", "ready"]
    assert len(list(sdk.tasks.list(index_id=index, status=["ready"], page_limit=4))) == 9

    assert created.video_id is not None
    sdk.indexes.indexed_assets.delete(index, created.video_id)
    sdk.tasks.delete(created.id)


def test_embed_v2(sdk: TwelveLabs) -> None:
    text = sdk.embed.v_2.create(input_type="text", model_name="marengo3.0", text=TextInputRequest(input_text="a dog"))
    multi = sdk.embed.v_2.create(
        input_type="multi_input",
        model_name="marengo3.5",
        embedding_dimension=256,
        multi_input=MultiInputRequest(input_text="a dog"),
    )

    assert len(text.data[0].embedding) == 512
    assert differences(text.data[0], embedding_option=None, start_sec=None) == {}
    assert text.usage is None
    assert len(multi.data[0].embedding) == 256
    assert multi.usage is not None
    assert (multi.usage.input_tokens, multi.usage.truncated) == ({"text": 2}, False)


def test_embed_v1(sdk: TwelveLabs) -> None:
    answer = sdk.embed.create(model_name="marengo3.0", text="a dog", image_url="https://example.invalid/a.jpg")
    assert answer.text_embedding is not None
    assert answer.image_embedding is not None

    assert answer.model_name == "marengo3.0"
    assert len((answer.text_embedding.segments or [])[0].float_ or []) == 512
    assert answer.image_embedding.error_message


async def test_the_asynchronous_client(api: Access, index: str) -> None:
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        sdk = AsyncTwelveLabs(api_key="tlk_test", base_url=api.simulator.base_url, httpx_client=http)
        assets = [asset async for asset in await sdk.indexes.indexed_assets.list(index, page_limit=5)]
        assert [asset.id for asset in assets] == api.control.asset_ids(index)[::-1]

        detailed = await sdk.indexes.indexed_assets.retrieve(index, assets[0].id or "", embedding_option=["visual"])
        assert detailed.embedding is not None
