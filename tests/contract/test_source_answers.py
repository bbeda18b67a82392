"""The adapter's requests, and responses that no simulator gives, over real sockets."""

import json
from typing import Any

import pytest

from connector.domain.errors import AssetError, ConfigError, CycleError, IndexGone, MalformedAsset, SourceUnavailable
from tests.comparing import differences
from tests.contract.source_answers import INDEX, NOT_THERE, asking, asset, page
from tests.fakes.scripted_http import answer


async def test_a_listing_is_asked_for_in_ascending_order_by_fifty() -> None:
    """Every parameter is explicit, because the documented defaults contradict each other."""
    async with asking(page(["a", "b"], 3, 2), page(["c"], 3, 2)) as (source, server):
        found = await source.snapshot(INDEX)

    assert found.complete
    assert [sent.path for sent in server.requests] == ["/v1.3/indexes/ix1/indexed-assets"] * 2
    assert [dict(sent.query) for sent in server.requests] == [
        {"sort_by": "created_at", "sort_option": "asc", "page_limit": "50", "page": number} for number in ("1", "2")
    ]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([page(["a", "b"], 3)], id="a row is missing"),
        pytest.param([page(["a", "b"], 1)], id="a row too many"),
        pytest.param([page(["a"], 3, 2), page(["b"], 2, 2)], id="the total fell"),
        pytest.param([page(["a", "b"], None)], id="no total"),
        pytest.param([answer(200, {"data": [{"_id": "a"}, {"_id": "b"}]}), page([], 2)], id="no page_info"),
        pytest.param([page(["a", "b"], 99, 3), answer(200, {"data": None})], id="ends before its time"),
    ],
)
async def test_a_listing_that_does_not_add_up_is_incomplete(answers: list[bytes]) -> None:
    """After three walks; their result may still be used to find work."""
    async with asking(*answers * 3) as (source, server):
        found = await source.snapshot(INDEX)

    assert not found.complete
    assert found.assets.keys() == {"a", "b"}
    assert len(server.requests) == 3 * len(answers)


async def test_two_walks_together_may_prove_what_neither_does() -> None:
    """Ties can hide a row in one order; all totals agree and every row was seen."""
    async with asking(page(["a", "b"], 3), page(["b", "c"], 3)) as (source, server):
        found = await source.snapshot(INDEX)

    assert found.complete
    assert found.assets.keys() == {"a", "b", "c"}
    assert len(server.requests) == 2


async def test_a_whole_walk_after_a_broken_one_stands_alone() -> None:
    """Rows that only the broken walk saw may be gone by now."""
    async with asking(page(["gone", "a"], 3), page(["a", "b"], 2)) as (source, _):
        found = await source.snapshot(INDEX)

    assert found.complete
    assert found.assets.keys() == {"a", "b"}


async def test_a_row_without_an_id_is_listed_and_malformed() -> None:
    async with asking(page(["a", None], 2)) as (source, server):
        found = await source.snapshot(INDEX)
        with pytest.raises(MalformedAsset, match="its id cannot be part of a URL path"):
            await source.retrieve(INDEX, next(name for name in found.assets if name != "a"), None, transcript=True)

    assert found.complete
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "odd", ["a b/c", "..", ".", "", "a?b", "a#b", "a/b", "a%2Fb", "\x00", "é", "a\nb", "a\\b", "x" * 257]
)
async def test_an_id_that_cannot_be_part_of_a_path_is_never_sent(odd: str) -> None:
    """It would be a different request, whose 404 proves nothing."""
    async with asking() as (source, server):
        with pytest.raises(MalformedAsset, match="URL path"):
            await source.retrieve(INDEX, odd, None, transcript=True)
        with pytest.raises(MalformedAsset, match="URL path"):
            await source.exists("ix1", odd)

    assert server.requests == []


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (answer(404), IndexGone),
        (answer(400, {"code": "resource_not_exist", "message": "no index"}), IndexGone),
        (answer(400, {"code": "parameter_invalid", "message": "page_limit"}), SourceUnavailable),
        (answer(402, {"code": "payment_required"}), SourceUnavailable),
    ],
)
async def test_a_refused_listing_is_never_an_empty_one(refusal: bytes, error: type[CycleError]) -> None:
    async with asking(refusal) as (source, _):
        with pytest.raises(error, match="ix1"):
            await source.snapshot(INDEX)


@pytest.mark.parametrize(("status", "error"), [(400, IndexGone), (404, IndexGone), (409, SourceUnavailable)])
async def test_a_refused_look_up(status: int, error: type[CycleError]) -> None:
    """For an index, 400 also means gone: the vendor documents no other refusal."""
    async with asking(answer(status, {"code": "x", "message": "y"})) as (source, _):
        with pytest.raises(error, match="ix1"):
            await source.index("ix1")


@pytest.mark.parametrize("status", [400, 409, 410])
async def test_only_404_proves_that_an_asset_is_gone(status: int) -> None:
    async with asking(answer(status, {"code": "resource_not_exist"})) as (source, _):
        with pytest.raises(AssetError, match="a1"):
            await source.exists("ix1", "a1")


@pytest.mark.parametrize(
    "content", [rb'{"_id": "\ud800"}', b'{"width": NaN}', b'{"a": "\xff"}', b"[" * 5000 + b"]" * 5000]
)
async def test_what_exists_may_hold_anything(content: bytes) -> None:
    async with asking(answer(200, content)) as (source, _):
        assert await source.exists("ix1", "a1")


async def test_existence_is_asked_without_embeddings() -> None:
    async with asking(asset(None), NOT_THERE) as (source, server):
        assert await source.exists("ix1", "a1")
        assert not await source.exists("ix1", "a1")

    assert [sent.query for sent in server.requests] == [[], []]


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("marengo3.0", {"input_type": "text", "model_name": "marengo3.0", "text": {"input_text": "ä dog"}}),
        (
            "marengo3.5",
            {"input_type": "multi_input", "model_name": "marengo3.5", "multi_input": {"input_text": "ä dog"}},
        ),
    ],
)
async def test_text_is_embedded_as_json(model: str, body: dict[str, Any]) -> None:
    async with asking(answer(200, {"data": [{"embedding": [0.5] * 512, "embedding_option": None}]})) as (
        source,
        server,
    ):
        assert (await source.embed_text(model, "ä dog")).shape == (512,)

    sent = server.requests[0]
    assert differences(sent, method="POST", path="/v1.3/embed-v2") == {}
    assert sent.headers["content-type"] == "application/json"
    assert json.loads(sent.body) == body


async def test_text_for_an_old_model_is_embedded_as_a_form() -> None:
    """Marengo 2.7 is available only at the older endpoint, under its other name."""
    vector = answer(200, {"model_name": "x", "text_embedding": {"segments": [{"float": [0.5] * 1024}]}})
    async with asking(vector) as (source, server):
        assert (await source.embed_text("marengo2.7", "ä dog")).shape == (1024,)

    sent = server.requests[0]
    assert (sent.method, sent.path) == ("POST", "/v1.3/embed")
    assert sent.headers["content-type"].startswith("multipart/form-data")
    assert b'name="model_name"\r\n\r\nMarengo-retrieval-2.7\r\n' in sent.body
    assert 'name="text"\r\n\r\nä dog\r\n'.encode() in sent.body
    assert b"filename" not in sent.body


@pytest.mark.parametrize(
    ("model", "refusal"),
    [
        ("marengo3.0", answer(400, {"error": {"code": "VALIDATION_ERROR", "message": "the text is too long"}})),
        ("marengo3.0", answer(413, {"code": "too_large", "message": "the text is too long"})),
        ("marengo2.7", answer(200, {"text_embedding": {"error_message": "the text is too long"}})),
    ],
)
async def test_text_that_is_refused_is_a_mistake_of_the_asker(model: str, refusal: bytes) -> None:
    async with asking(refusal) as (source, _):
        with pytest.raises(ConfigError, match=f"{model}.*the text is too long"):
            await source.embed_text(model, "a dog " * 1000)


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("marengo3.0", {"data": []}),
        ("marengo3.0", {"data": [{"embedding": None}]}),
        ("marengo3.0", {"data": [{"embedding": [0.5] * 511}]}),
        ("marengo3.0", {"data": [{"embedding": [0.5] * 511 + [1e39]}]}),
        ("marengo3.0", {"data": [{"embedding": ["a"]}]}),
        ("marengo2.7", {"text_embedding": None}),
        ("marengo2.7", {"text_embedding": {"segments": [{"float": [0.5] * 512}]}}),
    ],
)
async def test_an_answer_that_is_no_vector_of_the_model_is_not_used(model: str, body: dict[str, Any]) -> None:
    async with asking(answer(200, body)) as (source, _):
        with pytest.raises(SourceUnavailable, match=model):
            await source.embed_text(model, "a dog")
