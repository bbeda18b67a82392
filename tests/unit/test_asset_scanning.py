"""The fast way to decode an asset gives the same bits and the same errors as the reference, or leaves it to it."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from connector.twelvelabs import inflating, number_arrays, response_body
from connector.twelvelabs.asset_scanning import AssetReader
from connector.twelvelabs.number_arrays import DecodeNumbers, NotNumbersError
from tests.fakes.bodies import ASSET, OPTIONS, body, segment
from tests.unit.asset_texts import (
    NUMBERS,
    ODD_NUMBERS,
    array,
    damaged,
    facts_of,
    mostly,
    ordinary,
    received,
    reference,
    result,
    texts,
    zipped,
)

DECOMPRESSORS = {"zlib": response_body.zlib_decompressor, "fastest": inflating.FASTEST}
NUMBER_DECODERS = {"msgspec": number_arrays.with_msgspec, "fastest": number_arrays.FASTEST}
READERS = [
    AssetReader(OPTIONS, "marengo3.0", True, DECOMPRESSORS[one], NUMBER_DECODERS[other])
    for one in DECOMPRESSORS
    for other in NUMBER_DECODERS
]
BOTH = pytest.mark.parametrize("reader", READERS)
ORDINARY = ordinary(30)
MANY = settings(max_examples=max(500, settings().max_examples))


def test_what_the_project_depends_on_is_used() -> None:
    """Otherwise the other tests compare the fallbacks with themselves."""
    assert inflating.FASTEST is not response_body.zlib_decompressor
    assert number_arrays.FASTEST is not number_arrays.with_msgspec


@BOTH
@pytest.mark.parametrize("chunk", [1, 2, 7, 100, 10_000, 1_000_000])
@pytest.mark.parametrize("gzipped", [False, True])
def test_an_ordinary_body_is_scanned(reader: AssetReader, chunk: int, gzipped: bool) -> None:
    data = ordinary(3, 16) if chunk < 10 else ORDINARY
    whole = received(zipped(data) if gzipped else data, chunk, zipped=gzipped)

    assert facts_of(reader.scan(whole, ASSET)) == facts_of(reference(whole))
    assert whole.size == len(data)


@pytest.mark.parametrize("separators", [None, (",", ":"), (" ,\r\n", "\t: ")])
@pytest.mark.parametrize("indent", [None, 2])
def test_the_layout_of_the_json_does_not_matter(separators: tuple[str, str] | None, indent: int | None) -> None:
    data = json.dumps(json.loads(ORDINARY), separators=separators, indent=indent).encode()

    assert facts_of(READERS[-1].scan(received(data, limit=10**7), ASSET)) == facts_of(reference(received(ORDINARY)))


@MANY
@given(data=damaged(texts()), chunk=st.integers(1, 60), gzipped=st.booleans(), reader=st.sampled_from(READERS))
def test_any_body_ends_as_with_the_reference(data: bytes, chunk: int, gzipped: bool, reader: AssetReader) -> None:
    whole = received(zipped(data) if gzipped else data, chunk, zipped=gzipped)
    scanned = reader.scan(whole, ASSET)
    event("scanned" if scanned else "left to the reference")

    assert scanned is None or facts_of(scanned) == facts_of(reference(whole))


@MANY
@given(data=damaged(st.just(zipped(ordinary(3, 16)))), chunk=st.integers(1, 3000), reader=st.sampled_from(READERS))
def test_damaged_gzip_ends_as_with_the_reference(data: bytes, chunk: int, reader: AssetReader) -> None:
    whole = received(data, chunk, zipped=True)
    scanned = reader.scan(whole, ASSET)
    event("scanned" if scanned else "left to the reference")

    assert scanned is None or facts_of(scanned) == result(lambda: reference(whole))
    assert result(lambda: reader.read(whole, ASSET)) == result(lambda: reference(whole))


@pytest.mark.parametrize("lacking", range(1, 9))
@pytest.mark.parametrize("reader", READERS)
def test_a_checksum_that_lacks_a_byte_ends_as_with_the_reference(reader: AssetReader, lacking: int) -> None:
    """What is there of it is checked by zlib; isal waits for all of it."""
    data = zipped(ordinary(3, 16))
    whole = received(data[:-lacking] + data[len(data) - lacking + 1 :], zipped=True)

    assert reader.scan(whole, ASSET) is None
    assert result(lambda: reader.read(whole, ASSET)) == result(lambda: reference(whole))


def test_a_body_that_ends_early_ends_as_with_the_reference() -> None:
    """At each byte: of the JSON, and of its gzip."""
    data = ordinary(2, 3)
    for gzipped, sent in ((False, data), (True, zipped(data))):
        for end in range(len(sent)):
            whole = received(sent[:end], 50, zipped=gzipped)
            scanned = READERS[-1].scan(whole, ASSET)
            assert scanned is None or (gzipped and facts_of(scanned) == result(lambda: reference(whole)))  # noqa: B023


@MANY
@given(array(mostly(NUMBERS, ODD_NUMBERS), st.integers(0, 20)))
def test_numbers_have_the_same_bits(text: str) -> None:
    """The scanner cuts an array off at its first closing bracket."""
    text = text[: text.index("]") + 1]
    with_msgspec = _numbers(number_arrays.with_msgspec(), text)
    fastest = _numbers(number_arrays.FASTEST(), text)

    assert fastest in {with_msgspec, None}


def test_a_decoder_goes_on_after_what_it_refused() -> None:
    decode = number_arrays.FASTEST()
    assert [_numbers(decode, text) is None for text in ("[1]", "[true]", "[", "[{}]", '["a"]', "[2, 3]")] == [
        False,
        *[True] * 4,
        False,
    ]


def test_a_decoder_goes_on_while_a_frame_of_an_earlier_array_is_alive() -> None:
    """A kept traceback, a debugger or a profiler keeps one."""
    decode = number_arrays.FASTEST()
    with pytest.raises(NotNumbersError) as kept:
        decode(b"[true]")

    assert decode(b"[2, 3]").tolist() == [2.0, 3.0]
    assert kept.value.__cause__
    with pytest.raises(NotNumbersError) as kept_too:
        decode(b"[")
    assert decode(b"[4]").tolist() == [4.0]
    assert kept_too.value.__cause__


def _numbers(decode: DecodeNumbers, text: str) -> bytes | None:
    with np.errstate(over="ignore"):
        try:
            return decode(text.encode()).tobytes()
        except NotNumbersError:
            return None


VECTOR = (0.5, 0.25)
PLAIN = segment(vector=VECTOR)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(body(segment(vector=VECTOR) | {"nested": {"float": [1]}}), id="in an unknown member"),
        pytest.param(body(PLAIN, user_metadata={"float": [1.0, 2.0]}), id="in the metadata"),
        pytest.param(body(PLAIN, transcription=[{"value": "x", "float": [1.0]}]), id="in a word"),
        pytest.param(body(PLAIN).replace(b'"float"', b'"float": [9], "float"'), id="twice"),
        pytest.param(body(PLAIN, PLAIN).replace(b'"float"', rb'"\u0066loat"', 1), id="an escaped name"),
        pytest.param(body(segment(vector=None), PLAIN), id="no vector"),
        pytest.param(body(segment(vector=(1.0, 2.0, 3.0)), PLAIN), id="another length"),
        pytest.param(body(segment(vector=()), PLAIN), id="an empty vector"),
        pytest.param(body(segment(vector=[1.0, None]), PLAIN), id="no number"),
        pytest.param(body(segment(vector=[[1.0], 2.0]), PLAIN), id="a list of lists"),
        pytest.param(body(PLAIN, segment(embedding_option=None)), id="no option"),
        pytest.param(body(PLAIN, model="clip"), id="an unknown model"),
        pytest.param(body(PLAIN, transcription=["\ud800"]), id="words that no decoder takes"),
        pytest.param(body(PLAIN, user_metadata=5), id="metadata of the wrong type"),
        pytest.param(body(PLAIN, user_metadata={"a": "x" * 2_000_000}), id="a text of 2 MB"),
        pytest.param(body(PLAIN, limit="x" * 11_000_000), id="too large"),
        pytest.param(body(PLAIN, _id="a2"), id="another asset"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="no JSON"),
    ],
)
def test_what_is_unusual_is_left_to_the_reference(raw: bytes) -> None:
    for reader in READERS:
        whole = received(raw[:10_000_000], 50_000, limit=10_000_000)
        whole.limit = 9_000_000
        assert reader.scan(whole, ASSET) is None
        assert result(lambda: reader.read(whole, ASSET)) == result(lambda: reference(whole))  # noqa: B023


def test_numbers_beyond_float32_become_infinite() -> None:
    """Later checks report them; no warning."""
    found = READERS[-1].scan(received(body(segment(vector=(1e39, -1e300)))), ASSET)

    assert found
    assert found.columns
    assert found.columns[0].vectors.tolist() == [[float("inf"), float("-inf")]]


def test_text_that_looks_like_a_placeholder_is_none() -> None:
    """Its random part is known to nobody before the response has arrived."""
    odd: Any = '"0000000000000000 0"'
    for reader in READERS:
        assert reader.scan(received(body(segment(vector=odd))), ASSET) is None
