"""Complete JSON with invalid content: nothing of the asset is stored, and the message names the place."""

import numpy as np
import pytest

from connector.domain.arrays import Float32
from connector.domain.errors import MalformedAsset
from connector.domain.points import build, metadata_payload
from connector.domain.source_model import RetrievedAsset, SegmentColumn
from tests.builders import asset, column, index, retrieved, spoken, vectors
from tests.comparing import differences

ADVICE = "No point of it was stored; re-index it in TwelveLabs, or report it to TwelveLabs"


def refusal(answer: RetrievedAsset) -> str:
    """The cause; operation, subject and advice are the same for all."""
    with pytest.raises(MalformedAsset) as refused:
        build(answer, index(), "print")
    error = refused.value
    assert differences(error, operation="read embeddings of asset", subject="asset-1", advice=ADVICE) == {}
    return error.cause


def with_number(value: float, place: tuple[int, int] = (1, 7)) -> SegmentColumn:
    matrix = vectors(3)
    with np.errstate(over="ignore"):
        matrix[place] = np.float64(value).astype(np.float32)
    return column("audio", [(0, 6), (6, 12), (12, 18)], matrix)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3.5e38, -1e300])
def test_a_vector_holds_finite_float32_numbers(value: float) -> None:
    cause = refusal(retrieved(column("visual"), with_number(value)))
    assert cause == "audio segments: vector 1 contains a number that is not a finite float32"


@pytest.mark.parametrize("value", [1e18, -1.8e19])
def test_a_large_number_is_fine_while_the_norm_is_finite(value: float) -> None:
    assert len(build(retrieved(with_number(value)), index(), "print")) == 3


@pytest.mark.parametrize("value", [3.4028234e38, 3e38, 1e19])
def test_the_norm_of_a_vector_is_a_finite_float32(value: float) -> None:
    """Qdrant would store zeros."""
    matrix = vectors(3)
    matrix[1] = value
    cause = refusal(retrieved(column(ranges=[(0, 6), (6, 12), (12, 18)], matrix=matrix)))
    assert cause == "visual segments: the norm of vector 1 is not a finite float32"


@pytest.mark.parametrize("value", [1e-45, 1e-30, 1e-6])
def test_the_norm_of_a_vector_is_large_enough_to_normalize(value: float) -> None:
    """Qdrant would store the vector unchanged, and score it near zero for every query."""
    matrix = vectors(3)
    matrix[2] = value
    cause = refusal(retrieved(column(ranges=[(0, 6), (6, 12), (12, 18)], matrix=matrix)))
    assert cause == "visual segments: the norm of vector 2 is too small to normalize"


def test_a_norm_at_the_limit_is_large_enough() -> None:
    """Two squares of 2**-24 are the epsilon of float32."""
    matrix = np.zeros((1, 512), np.float32)
    matrix[0, :2] = 2.0**-12
    assert len(build(retrieved(column(ranges=[(0, 6)], matrix=matrix)), index(), "print")) == 1


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_vector_is_not_all_zero(zero: float) -> None:
    matrix = vectors(3)
    matrix[2] = zero
    cause = refusal(retrieved(column(ranges=[(0, 6), (6, 12), (12, 18)], matrix=matrix)))
    assert cause == "visual segments: vector 2 is all zero"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ((6, 5.5), "runs from 6 to 5.5 seconds"),
        ((-0.5, 6), "runs from -0.5 to 6 seconds"),
        ((0, 1e12), "runs from 0 to 1e+12 seconds"),
        ((0, 1e300), "runs from 0 to 1e+300 seconds"),
        ((np.nan, 6), "is not finite"),
        ((0, np.inf), "is not finite"),
        ((-np.inf, 0), "is not finite"),
    ],
)
def test_a_time_range_runs_forward_from_zero(wrong: tuple[float, float], words: str) -> None:
    assert refusal(retrieved(column(ranges=[(0, 6), wrong]))) == f"visual segments: time range 1 {words}"
    built = build(retrieved(column(), words=spoken((0, 1, "fine"), (*wrong, "wrong"))), index(), "print")
    assert (built.transcripts, built.dropped_words) == (("fine", ""), 1)


def test_a_time_range_may_end_at_the_limit() -> None:
    longest = (0, 1e9)
    built = build(retrieved(column(ranges=[longest]), words=spoken((*longest, "long"))), index(), "print")
    assert (built.end_ms.tolist(), built.transcripts) == ([10**12], ("long",))


def test_a_transcription_that_is_not_wanted_is_not_judged() -> None:
    answer = retrieved(column(), words=spoken((6, 5, "wrong")))
    built = build(answer, index(), "print", transcript=False)
    assert (len(built), built.dropped_words) == (2, 0)


@pytest.mark.parametrize("dimension", [511, 1024, 1])
def test_vectors_of_a_known_model_have_its_dimension(dimension: int) -> None:
    cause = refusal(retrieved(column(matrix=vectors(2, dimension))))
    assert cause == f"vectors of dimension {dimension}, but marengo3.0 has 512"


def test_one_option_with_another_dimension_is_enough() -> None:
    cause = refusal(retrieved(column(), column("audio", matrix=vectors(2, 8))))
    assert cause == "vectors of dimension 8, 512, but marengo3.0 has 512"


def test_vectors_of_an_unknown_model_agree_on_a_dimension() -> None:
    columns = column(matrix=vectors(2, 8)), column("audio", matrix=vectors(2, 4))
    assert refusal(retrieved(*columns, model="marengo9.9")) == "vectors of different dimensions: [4, 8]"


def contradiction(second: Float32) -> RetrievedAsset:
    first = vectors(1)
    return retrieved(column(ranges=[(0, 6)], matrix=first), column(ranges=[(0, 6.0001)], matrix=second))


def test_two_vectors_of_one_option_for_one_range_contradict_each_other() -> None:
    """Even if the ranges become equal only by rounding, or the vectors differ in one number."""
    cause = "visual segments: two different vectors for one scope and time range"
    almost = vectors(1)
    almost[0, 511] = np.nextafter(almost[0, 511], np.float32(9))
    assert refusal(contradiction(vectors(1, seed=1))) == cause
    assert refusal(contradiction(almost)) == cause


def test_one_range_in_two_scopes_is_no_contradiction() -> None:
    built = build(retrieved(column(seed=1), column(scope="video", seed=2)), index(), "print")
    assert len(built) == 4


@pytest.mark.parametrize("key", ["created_at", "indexed_at"])
def test_times_of_the_asset_are_dates_and_times(key: str) -> None:
    wrong = retrieved(column(), of=asset(**{key: "yesterday"}))
    assert refusal(wrong) == f"{key} is not a date and time: 'yesterday'"
    with pytest.raises(MalformedAsset, match=key):
        metadata_payload(wrong, index(), "print", media_links=False)
