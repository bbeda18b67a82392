"""The ways to search the golden set: with the search library, as applications call it, and with TwelveLabs' search."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from benchmarks.search_quality import K, Key, segment_key
from connector.domain.arrays import Float32
from connector.domain.bm25 import TRANSCRIPT_BM25
from connector.search import AsyncVideoSearch, SearchOptions

OPTIONS = ("visual", "audio", "transcription")
USUAL_OVERSAMPLING = 2.0
VENDOR = "TwelveLabs' search"


@dataclass(frozen=True, slots=True)
class Way:
    """A query of the search library: of a text if `words` are searched too, otherwise of its vector."""

    name: str
    asked: SearchOptions = field(default_factory=SearchOptions)
    words: bool = False
    oversampling: float | None = USUAL_OVERSAMPLING


WAYS = (
    *(Way(option, {"options": [option]}) for option in OPTIONS),
    Way("fused"),
    Way("fused, transcription with weight 2", {"weights": {"transcription": 2}}),
    Way("fused, near ones only", {"near_only": True}),
    Way("words of the transcript (BM25)", {"options": [TRANSCRIPT_BM25]}, words=True),
    Way("hybrid", words=True),
    Way("hybrid, near ones only", {"near_only": True}, words=True),
)


def quantized_ways(vectors: str) -> tuple[Way, ...]:
    """After the collection got quantized vectors of this name."""
    return (
        Way(f"fused, {vectors}, left to Qdrant", oversampling=None),
        Way(f"fused, {vectors}, rescored", oversampling=1.0),
        Way(f"fused, {vectors}, oversampling 2", oversampling=2.0),
        Way(f"fused, {vectors}, oversampling 4", oversampling=4.0),
        Way(f"hybrid, near ones only, {vectors}, oversampling 2", {"near_only": True}, words=True),
    )


@dataclass(frozen=True, slots=True)
class SearchPlace:
    """What is asked: a search library for each oversampling, and the simulator."""

    index_id: str
    vendor: httpx.AsyncClient
    libraries: Mapping[float | None, AsyncVideoSearch]


async def ask(place: SearchPlace, way: Way, text: str, vector: Float32) -> list[Key]:
    """The first K segments. The vector of the text must have been embedded by the library of this way."""
    library = place.libraries[way.oversampling]
    asked: SearchOptions = {**way.asked, "limit": K}
    if way.words:
        (found,) = await library.query(text, **asked)
    else:
        (found,) = await library.query_vector(vector, **asked)
    moments = [] if found.near is False else found.moments
    return [segment_key(it.indexed_asset_id, it.start_sec, it.end_sec) for it in moments]


async def ask_vendor(place: SearchPlace, text: str) -> list[Key]:
    form = {
        "index_id": (None, place.index_id),
        "query_text": (None, text),
        "page_limit": (None, str(K)),
    }
    parts = [*form.items(), *(("search_options", (None, option)) for option in OPTIONS)]
    response = await place.vendor.post("search", files=parts)
    response.raise_for_status()
    return [segment_key(clip["video_id"], clip["start"], clip["end"]) for clip in response.json()["data"]]
