"""Texts of assets as a source could write them, ordinary and odd, and what reading one ends in."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from connector.domain.errors import ConnectorError
from connector.domain.source_model import RetrievedAsset
from connector.twelvelabs import asset_decoding
from connector.twelvelabs.response_body import ResponseBody, TooLargeError
from tests.fakes.bodies import ASSET, OPTIONS

LIMIT = 1_000_000


def mostly(usual: st.SearchStrategy[str], odd: st.SearchStrategy[str], times: int = 20) -> st.SearchStrategy[str]:
    return st.sampled_from([usual] * times + [odd]).flatmap(lambda chosen: chosen)


def words(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


ODD_NUMBERS = words(
    *("0", "-0", "0.0", "-0.0", "1", "-1", "1e5", "1E+5", "-1e-5", "1e308", "3.5e38", "1e39", "-1e39", "1e400"),
    *("5e-324", "2.2250738585072011e-308", "1e-400", "1.7976931348623157e308", "9007199254740993"),
    *("9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775809"),
    *("123456789012345678901234567890", "0.1000000000000000055511151231257827", "01", "1.", ".5", "+1", "-", "--"),
    *("1e", "0x1", "NaN", "-Infinity", "null", "true", "{}", "[]", "[1]", "1.2.3", "1_0"),
    *('"1"', '{"a":1}', '{"float":[1]}'),
)
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**70), 2**70).map(str),
)
SPACE = mostly(words("", "", " ", "\n\t ", "\r"), words("\x0b", "\xa0"), 30)
NAMES = mostly(words('"float"'), words(r'"\u0066loat"', '"Float"', '"float "', r'"\"float\":[1]"'))
STRINGS = words(
    *(r'"\"float\":[1.0,2.0]"', '"float"', r'"\\"', r'"\"\\\""', '"[1,2]"', '"]"', '"é"', '"float\\":["', '""')
)
TWO = st.just(2)


def array(numbers: st.SearchStrategy[str] = NUMBERS, sizes: st.SearchStrategy[int] = TWO) -> st.SearchStrategy[str]:
    def written(parts: tuple[list[str], str, str]) -> str:
        return f"[{parts[1]}{f'{parts[2]},{parts[1]}'.join(parts[0])}{parts[2]}]"

    lists = sizes.flatmap(lambda size: st.lists(numbers, min_size=size, max_size=size))
    return st.tuples(lists, SPACE, SPACE).map(written)


ANY_ARRAY = mostly(array(), array(mostly(NUMBERS, ODD_NUMBERS, 2), st.integers(0, 3)) | STRINGS)


@st.composite
def segments(draw: st.DrawFn) -> str:
    """One segment, perhaps with members twice, unknown, misspelled, or without a vector."""
    space = draw(SPACE)
    known = [
        f'"start_offset_sec":{space}{draw(words("0", "1.5", "-1", "1e3"))}',
        '"end_offset_sec": 9.0',
        f'"embedding_option"{space}: {draw(words(*(f"{quoted!r}" for quoted in OPTIONS)))}'.replace("'", '"'),
        f'"embedding_scope": {draw(mostly(words("clip"), words("asset", "")))!r}'.replace("'", '"'),
        f"{draw(NAMES)}{space}:{draw(SPACE)}{draw(ANY_ARRAY)}",
        f"{draw(STRINGS)}: {draw(STRINGS)}",
    ]
    odd = st.tuples(NAMES, ANY_ARRAY).map(":".join)
    return "{" + f"{space},".join(draw(st.permutations([*known, draw(mostly(st.just(known[0]), odd))]))) + "}"


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    listed = ", ".join(draw(st.lists(segments(), min_size=1, max_size=4)))
    metadata = mostly(words("{}", "null", r'{"a": "\"float\": [1]", "float": 3}'), words('{"float": [1, 2]}', "5"))
    spoken = mostly(
        words("[]", '[{"start": 0, "end": 1, "value": "\\"float\\":[1]"}]'), words('[{"float":[1]}]', "[5]")
    )
    fields = [
        '"_id": "a1"',
        f'"user_metadata": {draw(metadata)}',
        f'"transcription": {draw(spoken)}',
        f'"embedding": {{"model_name": "marengo3.0", "video_embedding": {{"segments": [{listed}]}}}}',
    ]
    return ("{" + f"{draw(SPACE)},".join(draw(st.permutations(fields))) + "}").encode()


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Perhaps some bytes exchanged, inserted or removed, or the end cut off."""
    data = draw(whole)
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at = draw(st.integers(0, len(data)))
        data = (
            data[:at]
            + draw(st.binary(max_size=1) | st.sampled_from([b'"', b"]", b"[", b"\\", b","]))
            + (data[at + draw(st.integers(0, 2)) :])
        )
    return data[: draw(st.integers(0, len(data)))] if draw(st.sampled_from([False] * 8 + [True])) else data


def ordinary(segments: int, size: int = 512) -> bytes:
    """As the API writes it, with strings that look like a vector."""
    generator = np.random.default_rng(1)
    listed = [
        {
            "start_offset_sec": 6.0 * (row // 3),
            "end_offset_sec": 6.0 * (row // 3) + 6,
            "embedding_option": OPTIONS[row % 3],
            "embedding_scope": "clip",
            "float": generator.standard_normal(size).tolist(),
        }
        for row in range(segments)
    ]
    embedding = {"model_name": "marengo3.0", "video_embedding": {"segments": listed}}
    facts = {"_id": "a1", "status": "ready", "user_metadata": {"note": '"float": [1.0, 2.0]', "float": 2.0}}
    return json.dumps({**facts, "embedding": embedding, "transcription": []}).encode()


def received(data: bytes, chunk: int = 100, *, zipped: bool = False, limit: int = LIMIT) -> ResponseBody:
    body = ResponseBody(limit, zipped)
    for at in range(0, len(data), chunk):
        body.add(data[at : at + chunk])
    return body


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def reference(body: ResponseBody) -> RetrievedAsset:
    return asset_decoding.read_asset(body.whole(), ASSET, OPTIONS, "marengo3.0", transcript=True)


def result(read: Callable[[], RetrievedAsset | None]) -> object:
    """What `read` returns, with arrays as bytes, or what it raises."""
    try:
        return facts_of(read())
    except ConnectorError as error:
        return type(error), error.cause, str(error)
    except (zlib.error, TooLargeError) as error:
        return type(error), str(error)


def facts_of(found: RetrievedAsset | None) -> object:
    if found is None:
        return None
    columns = [
        (one.option, one.scope, *(_bits(each) for each in (one.start_sec, one.end_sec, one.vectors)))
        for one in found.columns or ()
    ]
    spoken = found.transcription
    words = spoken and (spoken.start_sec.tobytes(), spoken.end_sec.tobytes(), spoken.values)
    return found.asset, repr(found.user_metadata), found.hls_url, found.model, found.columns is None, columns, words


def _bits(values: Any) -> tuple[str, tuple[int, ...], bytes]:
    return str(values.dtype), values.shape, values.tobytes()
