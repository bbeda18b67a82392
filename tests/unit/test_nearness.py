"""Which segments are near a text: those that stand out from what is usual for this text in this option."""

from collections.abc import Mapping

import numpy as np
import pytest

from connector.domain.nearness import ENOUGH, STANDS_OUT, least_similarities
from connector.domain.sink_model import Similarities

USUAL = tuple(np.linspace(0.05, 0.15, 41))
"""Median 0.1, median deviation 0.025."""
DEVIATION = 1.4826 * 0.025


def option(best: float, sample: tuple[float, ...] = USUAL) -> Similarities:
    return Similarities(best, sample)


def near(found: Mapping[str, Similarities]) -> dict[str, float]:
    least = least_similarities(found)
    assert least is not None
    return least


def test_a_segment_is_near_from_the_middle_between_the_usual_and_the_best() -> None:
    assert near({"visual": option(0.5), "audio": option(0.9)}) == pytest.approx({"visual": 0.3, "audio": 0.5})


@pytest.mark.parametrize(("deviations", "counts"), [(STANDS_OUT - 0.01, False), (STANDS_OUT + 0.01, True)])
def test_an_option_whose_best_segment_does_not_stand_out_does_not_count(deviations: float, counts: bool) -> None:
    found = near({"visual": option(0.5), "audio": option(0.1 + deviations * DEVIATION)})

    assert ("audio" in found) is counts
    assert "visual" in found


def test_the_limit_itself_counts() -> None:
    deviation = 1.4826 * 0.25
    found = near({"visual": option(STANDS_OUT * deviation, (*(-0.25,) * 5, 0.0, *(0.25,) * 5))})

    assert found.keys() == {"visual"}


def test_an_option_without_a_sample_does_not_hide_the_others() -> None:
    assert near({"audio": option(0.9, ()), "visual": option(0.5)}).keys() == {"visual"}


def test_nothing_may_stand_out() -> None:
    assert least_similarities({"visual": option(0.2), "audio": option(0.16)}) == {}


def test_segments_that_are_all_alike_are_as_usual() -> None:
    """For example those of a still picture."""
    assert least_similarities({"visual": option(0.3, (0.3,) * 20)}) == {}


def test_one_segment_among_many_that_are_alike_stands_out() -> None:
    assert near({"visual": option(0.4, (0.3,) * 20)}) == pytest.approx({"visual": 0.35})


def test_what_many_segments_have_is_usual_even_if_some_match() -> None:
    """The median and the median deviation are those of the others, as long as these are more than half."""
    sample = (*USUAL, *(0.6,) * 20)

    assert near({"visual": option(0.6, sample)}).keys() == {"visual"}


@pytest.mark.parametrize(("count", "told"), [(ENOUGH - 1, False), (ENOUGH, True)])
def test_too_few_segments_tell_nothing(count: int, told: bool) -> None:
    few = option(0.9, USUAL[:count])

    assert (least_similarities({"visual": few, "audio": option(0.9, ())}) is not None) is told


def test_no_segments_tell_nothing() -> None:
    assert least_similarities({}) is None


def test_a_rare_option_is_judged_by_the_few_segments_that_have_it() -> None:
    found = near({"visual": option(0.16), "transcription": option(0.9, (0.1, 0.12, 0.9))})

    assert found == pytest.approx({"transcription": (0.12 + 0.9) / 2})


def test_a_single_segment_cannot_stand_out_from_itself() -> None:
    assert least_similarities({"visual": option(0.16), "transcription": option(0.9, (0.9,))}) == {}
