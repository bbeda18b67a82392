"""Queries by image and audio: the requests, compared with those of the official SDK, and the responses.

The simulator cannot read media, so a scripted server answers.
"""

import asyncio
import base64
import json
from functools import partial
from typing import Any

import numpy as np
import pytest
from twelvelabs import TwelveLabs
from twelvelabs.types import AudioInputRequest, ImageInputRequest, MediaSource

from connector.domain.errors import ConfigError, SourceUnavailable
from connector.domain.query_media import QueryMedia
from connector.simulator import run_in_thread
from connector.twelvelabs.source import TwelveLabsSource
from connector.twelvelabs.transport import ApiTransport
from tests.contract.transport_talks import talking
from tests.fakes.clock import FakeTime
from tests.fakes.scripted_http import ScriptedServer, answer, scripted

URL = "https://example.com/cat"
CONTENT = base64.b64encode(b"a cat").decode()
VECTOR = [1.0, 0.5] * 256
V2 = answer(200, {"data": [{"embedding": VECTOR, "embedding_option": None, "embedding_scope": None}]})


async def sent(media: QueryMedia, model: str, body: bytes) -> tuple[Any, ScriptedServer]:
    async with talking([body], FakeTime()) as (transport, server):
        return await TwelveLabsSource(transport).embed_media(model, media), server


@pytest.mark.parametrize(
    "media",
    [
        QueryMedia("image", url=URL),
        QueryMedia("image", base64=CONTENT),
        QueryMedia("audio", url=URL),
        QueryMedia("audio", base64=CONTENT),
    ],
    ids=["image-url", "image", "audio-url", "audio"],
)
async def test_the_request_is_that_of_the_sdk(media: QueryMedia) -> None:
    vector, server = await sent(media, "marengo3.0", V2)

    assert vector.shape == (512,)
    assert np.array_equal(vector, np.array(VECTOR, np.float32))
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1.3/embed-v2")
    assert json.loads(request.body) == await by_sdk(media)


async def by_sdk(media: QueryMedia) -> Any:
    """The body that the SDK sends."""
    source = MediaSource(url=media.url) if media.url else MediaSource(base_64_string=media.base64)
    image = ImageInputRequest(media_source=source)
    audio = AudioInputRequest(media_source=source, embedding_option=["audio"], embedding_scope=["asset"])
    inputs: Any = {"image": image} if media.kind == "image" else {"audio": audio}
    async with scripted([V2]) as server:
        embed = TwelveLabs(api_key="test-key", base_url=server.base_url).embed.v_2
        await asyncio.to_thread(partial(embed.create, input_type=media.kind, model_name="marengo3.0", **inputs))
        return json.loads(server.requests[0].body)


@pytest.mark.parametrize("kind", ["image", "audio"])
async def test_the_older_model_takes_urls_by_the_older_endpoint(kind: Any) -> None:
    body = answer(200, {f"{kind}_embedding": {"segments": [{"float": [0.5] * 1024}]}})

    vector, server = await sent(QueryMedia(kind, url=URL), "marengo2.7", body)

    assert vector.shape == (1024,)
    assert server.requests[0].path == "/v1.3/embed"
    assert f'name="{kind}_url"'.encode() in server.requests[0].body
    with pytest.raises(ConfigError, match=f"takes an {kind} by URL only"):
        await sent(QueryMedia(kind, base64=CONTENT), "marengo2.7", body)


async def test_a_refusal_is_explained() -> None:
    refusal = answer(400, {"error": {"code": "VALIDATION_ERROR", "message": "the image is too small"}})

    with pytest.raises(ConfigError, match=r"too small.*Search with another image or another model"):
        await sent(QueryMedia("image", url=URL), "marengo3.0", refusal)
    with pytest.raises(ConfigError, match="texts only"):
        await sent(QueryMedia("image", url=URL), "marengo3.5", V2)
    with pytest.raises(SourceUnavailable, match="no embedding"):
        await sent(QueryMedia("audio", url=URL), "marengo3.0", answer(200, {"data": []}))


async def test_the_simulator_refuses_media() -> None:
    with run_in_thread() as simulator:
        source = TwelveLabsSource(ApiTransport(simulator.base_url, "test-key"))
        for model, media in (
            ("marengo3.0", QueryMedia("image", base64=CONTENT)),
            ("marengo2.7", QueryMedia("audio", url=URL)),
        ):
            with pytest.raises(ConfigError, match="simulator"):
                await source.embed_media(model, media)
        await source.close()
