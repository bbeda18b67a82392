"""Single arguments of the search library."""

import base64
import math
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import ConfigError
from connector.search import AsyncVideoSearch, VideoSearch
from connector.search.query_inputs import SegmentQuery, media, segment_query

SERVER = "http://127.0.0.1:6333"


def test_an_image_is_a_url_a_file_or_its_content(tmp_path: Path) -> None:
    file = tmp_path / "cat.png"
    file.write_bytes(b"png")

    assert media("image", "https://example.com/cat.png").url == "https://example.com/cat.png"
    assert media("image", file) == media("image", b"png")
    assert base64.b64decode(media("audio", b"png").base64 or "") == b"png"


@pytest.mark.parametrize("given", ["cat.png", "file:///etc/passwd", "", b"", None, 3, Path("missing.png"), "\ud800"])
def test_anything_else_is_no_image(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"^search image"):
        media("image", given)


def test_a_segment_is_named_by_a_position() -> None:
    found = segment_query("index-1", "asset-1", 3, other_assets_only=True)

    assert found == SegmentQuery("index-1", "asset-1", 3.0, other_assets_only=True)


@pytest.mark.parametrize(
    "given", [("", "a", 1), ("i", "", 1), (None, "a", 1), ("i", 3, 1), ("i", "a", -1), ("i", "a", "1")]
)
def test_a_segment_without_a_place_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"^search (index_id|indexed_asset_id|start_sec)"):
        segment_query(*given, other_assets_only=False)


@pytest.mark.parametrize("kind", [VideoSearch, AsyncVideoSearch])
@pytest.mark.parametrize(
    ("url", "given", "subject"),
    [
        ("127.0.0.1:6333", {}, "qdrant_url"),
        ("", {}, "qdrant_url"),
        (None, {}, "qdrant_url"),
        (SERVER, {"collection": "videos"}, "collection 'videos'"),
        (SERVER, {"collection": "{model}{"}, "collection '{model}{'"),
        (SERVER, {"collection": "{model}-{name}"}, "collection '{model}-{name}'"),
        (SERVER, {"collections": "videos"}, "collections"),
        (SERVER, {"collections": [""]}, "collections"),
        (SERVER, {"link_template": "{video}"}, "link_template"),
        (SERVER, {"timeout_sec": 0}, "timeout_sec"),
        (SERVER, {"timeout_sec": math.nan}, "timeout_sec"),
        (SERVER, {"oversampling": 0.5}, "oversampling"),
        (SERVER, {"oversampling": "2"}, "oversampling"),
    ],
)
def test_a_search_that_cannot_work_is_not_made(kind: Any, url: Any, given: Any, subject: str) -> None:
    with pytest.raises(ConfigError) as raised:
        kind(url, **given)

    assert raised.value.subject == subject
