"""Text embeddings, and that they find the segments that the captions describe."""

from typing import Any

import numpy as np
import pytest

from connector.simulator import Scene
from connector.simulator.world.words import concepts
from tests.simulator.access import Access, access, one_index, video


def v2(api: Access, words: str = "a dog", /, **changes: Any) -> Any:
    body = {"input_type": "text", "model_name": "marengo3.0", "text": {"input_text": words}}
    return api.call("POST", "/embed-v2", json=body | changes)


def v1(api: Access, **fields: str) -> Any:
    return api.call("POST", "/embed", data=fields, files={"x": ("", b"")})


def query(api: Access, text: str) -> np.ndarray[Any, Any]:
    return np.array(v2(api, text).json()["data"][0]["embedding"], dtype=np.float32)


def test_embed_v2_of_a_text(api: Access) -> None:
    """One vector; scope, option and times are null."""
    body = v2(api).json()

    assert set(body) == {"data"}
    (data,) = body["data"]
    assert len(data.pop("embedding")) == 512
    assert data == {"embedding_option": None, "embedding_scope": None, "start_sec": None, "end_sec": None}


@pytest.mark.parametrize("dimension", [256, 512, None])
def test_marengo_35_is_matryoshka(api: Access, dimension: int | None) -> None:
    """Multi-input only, shorter vectors are prefixes, usage is counted; not comparable with 3.0."""
    body = {"input_type": "multi_input", "model_name": "marengo3.5", "multi_input": {"input_text": "a dog"}}
    full = api.call("POST", "/embed-v2", json=body).json()
    cut = api.call("POST", "/embed-v2", json=body | {"embedding_dimension": dimension}).json()

    assert cut["data"][0]["embedding"] == full["data"][0]["embedding"][:dimension]
    assert full["usage"] == {"input_tokens": {"text": 2}, "truncated": False}
    assert abs(float(np.dot(full["data"][0]["embedding"], query(api, "a dog")))) < 0.2


@pytest.mark.parametrize(
    "change",
    [
        {"model_name": "marengo2.7"},
        {"model_name": 3},
        {"input_type": "smell"},
        {"input_type": "image", "image": {"media_source": {"url": "https://example.invalid/a.jpg"}}},
        {"text": {}},
        {"text": "a dog"},
        {"text": None},
        {"text": {"input_text": "word " * 501}},
        {"embedding_dimension": 256},
        {"model_name": "marengo3.5"},
        {"surprise": 1},
        {"text": {"input_text": "a dog", "media_sources": [{"url": "x"}]}},
        {"model_name": "marengo3.5", "input_type": "multi_input", "multi_input": {"input_text": "a"}} | {"x": 1},
        {
            "model_name": "marengo3.5",
            "input_type": "multi_input",
            "multi_input": {"input_text": "a"},
            "embedding_dimension": 513,
        },
    ],
)
def test_embed_v2_refuses_in_its_own_family(api: Access, change: dict[str, Any]) -> None:
    """An error in the nested format, with code and message."""
    response = v2(api, **change)

    assert response.status_code == 400
    assert set(response.json()) == {"error"}
    assert response.json()["error"]["code"] == "VALIDATION_ERROR"
    assert response.json()["error"]["message"]


def test_long_texts_are_truncated_on_request(api: Access) -> None:
    body = {"input_type": "multi_input", "model_name": "marengo3.5", "multi_input": {"input_text": "word " * 2001}}

    assert api.call("POST", "/embed-v2", json=body).status_code == 400
    usage = api.call("POST", "/embed-v2", json=body | {"auto_truncate": True}).json()["usage"]
    assert usage == {"input_tokens": {"text": 2000}, "truncated": True, "truncation_reason": "text_token_limit"}


def test_no_json_is_refused(api: Access) -> None:
    response = api.call("POST", "/embed-v2", content=b"{not json")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    ("model", "spelling", "dimension"),
    [("marengo3.0", "marengo3.0", 512), ("Marengo-retrieval-2.7", "Marengo-retrieval-2.7", 1024)],
)
def test_embed_v1_of_a_text(api: Access, model: str, spelling: str, dimension: int) -> None:
    """Multipart; 2.7 is still served so that its collections can be searched."""
    body = v1(api, model_name=model, text="a dog").json()

    assert body["model_name"] == spelling
    assert len(body["text_embedding"]["segments"][0]["float"]) == dimension


def test_embed_v1_of_media_says_so_in_the_block(api: Access) -> None:
    """HTTP 200 with error_message, next to the embedding of the text."""
    body = v1(api, model_name="marengo3.0", text="a dog", image_url="https://example.invalid/a.jpg").json()

    assert "segments" in body["text_embedding"]
    assert body["image_embedding"]["error_message"]


@pytest.mark.parametrize("fields", [{}, {"model_name": "marengo3.0"}, {"model_name": "x", "text": "a"}])
def test_embed_v1_refuses_in_the_flat_family(api: Access, fields: dict[str, str]) -> None:
    response = v1(api, **fields)

    assert response.status_code == 400
    assert set(response.json()) == {"code", "message"}


def test_both_versions_agree(api: Access) -> None:
    old = v1(api, model_name="marengo3.0", text="a dog").json()["text_embedding"]["segments"][0]["float"]

    assert old == v2(api).json()["data"][0]["embedding"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("goal celebration", "celebrating the goals"),
        ("celebrated goal", "the goal celebrations"),
        ("soccer fans cheering", "football crowd celebrates"),
        ("running dogs", "a puppy runs"),
        ("cars in the street", "vehicle on a road"),
    ],
)
def test_word_forms_and_synonyms_are_one_concept(one: str, other: str) -> None:
    assert sorted(concepts(one)) == sorted(concepts(other))


def test_every_caption_finds_its_own_segments_first(api: Access) -> None:
    """For all written assets of the default index and all options: the caption as query ranks its segments first."""
    index = api.control.index_ids[0]
    rows, captions = corpus(api, index)
    for caption in sorted(set(captions)):
        scores = rows @ query(api, caption)
        hits = captions.count(caption)
        best = [captions[place] for place in np.argsort(-scores)[:hits]]

        assert best == [caption] * hits


def test_a_loose_query_finds_the_right_moment(api: Access, index: str) -> None:
    """The example of the documentation."""
    rows, captions = corpus(api, index)
    scores = rows @ query(api, "goal celebration")
    best = [captions[place] for place in np.argsort(-scores)[:3]]

    assert all("celebration" in caption for caption in best)
    assert scores.max() > 2 * np.median(np.abs(scores))


def test_options_differ_as_their_captions_do() -> None:
    """What is seen, heard and said gives different vectors of the same segment."""
    scene = Scene(visual="a red bus", audio="loud engine", speech="next stop harbour", seconds=5.0)
    with access(one_index(assets=(video("a", scene),))) as api:
        index = api.control.index_ids[0]
        segments = api.segments(index, api.control.asset_ids(index)[0], "visual", "audio", "transcription")
        texts = (scene.visual, scene.audio, scene.speech)
        scores = np.array([[np.dot(query(api, text), segment["float"]) for segment in segments] for text in texts])

        assert (scores.argmax(axis=1) == [0, 1, 2]).all()
        assert scores.diagonal().min() > 0.8
        assert abs(scores - np.diag(scores.diagonal())).max() < 0.3


def corpus(api: Access, index: str) -> tuple[np.ndarray[Any, Any], list[str]]:
    """All segments of the written assets with their captions from the scenario."""
    written = api.simulator.scenario.indexes[0].assets
    rows: list[list[float]] = []
    captions: list[str] = []
    for asset, spec in zip(api.control.asset_ids(index), written, strict=False):
        for option, caption in (("visual", "visual"), ("audio", "audio"), ("transcription", "speech")):
            heard = [text for scene in spec.scenes if (text := getattr(scene, caption))]
            found = [segment["float"] for segment in api.segments(index, asset, option)]
            rows += found
            captions += [heard[place % len(heard)] for place in range(len(found))]
    return np.array(rows, dtype=np.float32), captions
