"""The adapter's requests for one asset, and how it handles responses that no simulator gives."""

import pytest

from connector.domain.errors import AssetError, MalformedAsset
from connector.domain.source_model import Index
from tests.contract.source_answers import INDEX, INVALID, NOT_THERE, asking, asset
from tests.fakes.scripted_http import ScriptedServer, answer


def asked(server: ScriptedServer) -> list[list[str]]:
    return [[value for name, value in sent.query if name == "embedding_option"] for sent in server.requests]


async def test_a_retrieval_asks_for_each_option_and_the_words() -> None:
    async with asking(asset("marengo3.0", "visual")) as (source, server):
        await source.retrieve(INDEX, "a1", None, transcript=True)

    assert server.requests[0].path == "/v1.3/indexes/ix1/indexed-assets/a1"
    assert server.requests[0].query == [
        ("embedding_option", "visual"),
        ("embedding_option", "audio"),
        ("embedding_option", "transcription"),
        ("transcription", "true"),
    ]


async def test_a_shallow_retrieval_asks_for_nothing_more() -> None:
    """And uses nothing more, even if the server returns everything."""
    async with asking(asset("marengo3.0", "visual")) as (source, server):
        found = await source.retrieve(INDEX, "a1", (), transcript=False)

    assert server.requests[0].query == []
    assert found is not None
    assert found.columns is None


async def test_an_answer_of_another_model_is_asked_for_again_with_its_options() -> None:
    async with asking(asset("Marengo-retrieval-2.7", "audio"), asset("Marengo-retrieval-2.7", "visual-text")) as (
        source,
        server,
    ):
        found = await source.retrieve(INDEX, "a1", None, transcript=False)

    assert found is not None
    assert found.model == "marengo2.7"
    assert [column.option for column in found.columns or ()] == ["visual-text"]
    assert asked(server) == [["visual", "audio", "transcription"], ["visual-text", "audio"]]


async def test_another_model_with_the_same_options_needs_no_second_question() -> None:
    async with asking(asset("marengo2.7", "audio")) as (source, server):
        found = await source.retrieve(INDEX, "a1", ("audio",), transcript=False)

    assert found is not None
    assert found.model == "marengo2.7"
    assert len(server.requests) == 1


async def test_another_model_without_any_wanted_option_has_nothing_to_embed() -> None:
    """The words of a 2.7 asset are in its audio vectors, which this index does not have."""
    index = Index("ix1", "news", "marengo9.9", ("speech",))
    async with asking(asset("marengo2.7")) as (source, server):
        found = await source.retrieve(index, "a1", None, transcript=False)

    assert found is not None
    assert (found.model, found.columns) == ("marengo2.7", ())
    assert len(server.requests) == 1


async def test_a_model_that_nobody_knows_is_asked_for_what_its_index_names() -> None:
    index = Index("ix1", "news", "marengo4.0", ("visual", "smell"))
    async with asking(asset("marengo4.0", "visual", "smell")) as (source, server):
        found = await source.retrieve(index, "a1", None, transcript=False)

    assert found is not None
    assert [column.option for column in found.columns or ()] == ["visual", "smell"]
    assert asked(server) == [["visual", "smell"]]


async def test_refused_options_are_tried_as_those_of_the_other_model() -> None:
    async with asking(INVALID, asset("Marengo-retrieval-2.7", "visual-text")) as (source, server):
        found = await source.retrieve(INDEX, "a1", None, transcript=False)

    assert found is not None
    assert found.model == "marengo2.7"
    assert asked(server) == [["visual", "audio", "transcription"], ["visual-text", "audio"]]


async def test_options_refused_twice_are_a_failure_of_this_asset() -> None:
    """With the API's own message, after checking that the asset is ready at all."""
    async with asking(INVALID, INVALID, asset(None)) as (source, server):
        with pytest.raises(AssetError, match=r"a1.*400 parameter_invalid \(embedding_option: no such option\)"):
            await source.retrieve(INDEX, "a1", None, transcript=True)

    assert asked(server) == [["visual", "audio", "transcription"], ["visual-text", "audio"], []]


async def test_options_refused_while_the_asset_is_not_ready_are_a_wait() -> None:
    async with asking(INVALID, INVALID, asset(None, status="indexing")) as (source, _):
        found = await source.retrieve(INDEX, "a1", None, transcript=True)

    assert found is not None
    assert (found.asset.status, found.columns) == ("indexing", None)


@pytest.mark.parametrize("before", [[], [INVALID], [INVALID, INVALID], [asset("marengo2.7")]])
async def test_an_asset_that_goes_while_it_is_asked_for_is_gone(before: list[bytes]) -> None:
    async with asking(*before, NOT_THERE) as (source, _):
        assert await source.retrieve(INDEX, "a1", None, transcript=True) is None


async def test_an_asset_that_answers_as_another_model_every_time_is_malformed() -> None:
    async with asking(asset("marengo2.7", "audio"), asset("marengo3.0", "audio")) as (source, server):
        with pytest.raises(
            MalformedAsset, match=r"requested visual-text, audio, but it responds with model marengo3\.0"
        ):
            await source.retrieve(INDEX, "a1", None, transcript=True)

    assert len(server.requests) == 2


async def test_any_other_refusal_is_a_failure_of_this_asset() -> None:
    async with asking(answer(409, {"code": "busy", "message": "later"})) as (source, server):
        with pytest.raises(AssetError, match=r"409 busy \(later\)"):
            await source.retrieve(INDEX, "a1", None, transcript=True)

    assert len(server.requests) == 1
