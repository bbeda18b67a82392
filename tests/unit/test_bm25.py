"""Sparse vectors of words: the formula that other programs rely on, in every language."""

import json
import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.bm25 import (
    highest_rarity,
    query_words,
    share_of_query,
    transcript_vector,
    word_index,
    words,
)
from tests.e2e.pages import RECIPES


def values(text: str) -> dict[int, float]:
    vector = transcript_vector(text)
    return dict(zip(vector.indices, vector.values, strict=True)) if vector else {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Cup-Final 2026: it's 3.5!", ["cup", "final", "2026", "it", "s", "3", "5"]),
        ("snake_case", ["snake", "case"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ΣΊΣΥΦΟΣ σίσυφος", ["σίσυφοσ", "σίσυφοσ"]),
        ("café cafe\u0301", ["café", "café"]),
        ("\ufb01ne \uff11\uff12\uff13 ½", ["fine", "123", "1", "2"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("東京タワーへ", ["東", "京", "タワー", "へ"]),
        ("서울 타워, Москва́", ["서울", "타워", "москва́"]),
        ("\U00020000a", ["\U00020000", "a"]),
        ("…—! ♪", []),
        ("", []),
    ],
)
def test_words_of_many_languages(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_has_the_words_of_the_general_rule(text: str) -> None:
    """It only takes a shorter way: a character of another script does not change the words beside it."""
    assert words(f"{text} ж") == [*words(text), "ж"]


@given(st.text())
def test_words_are_words(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)
    assert all(word == "".join(word.split()) != "" for word in words(text))


def test_an_index_is_the_crc_of_the_bytes() -> None:
    """As zip and PNG have it: their check value for these digits is public."""
    assert word_index("123456789") == 0xCBF43926
    assert word_index("ж") == zlib.crc32(b"\xd0\xb6")


def test_a_value_grows_with_the_number_less_than_in_proportion_and_falls_with_the_length() -> None:
    """20 words are usual: a word that is said once has the value 1 then."""
    usual = values("goal " + "x " * 19)

    assert usual == pytest.approx({word_index("goal"): 1.0, word_index("x"): 19 * 2.2 / (19 + 1.2)})
    assert values("goal")[word_index("goal")] == pytest.approx(2.2 / (1 + 1.2 * (0.25 + 0.75 / 20)))
    assert values("goal goal")[word_index("goal")] < 2 * values("goal")[word_index("goal")]


def test_indices_ascend_and_each_is_there_once() -> None:
    vector = transcript_vector("the cat and the dog and the bird")

    assert vector
    assert vector.indices.tolist() == sorted(set(map(word_index, ("the", "cat", "and", "dog", "bird"))))
    assert len(vector.values) == len(vector.indices) == 5


def test_the_vector_of_a_transcript_is_the_same_in_every_release() -> None:
    """Other values need another BM25_VERSION, which writes every point again."""
    vector = transcript_vector("Nakamura has the invoice, the number 48213")

    assert vector
    assert vector.indices.tolist() == [208615914, 1011183078, 2422544196, 2526027604, 4146676746, 4185812559]
    assert vector.values.tolist() == pytest.approx([1.362229, 1.6826, 1.362229, 1.362229, 1.362229, 1.362229], abs=1e-6)


@pytest.mark.parametrize("text", ["", " \n", "…", "♪ ♫"])
def test_without_a_word_there_is_no_vector(text: str) -> None:
    assert transcript_vector(text) is None
    assert query_words(text) == ()


def test_words_with_one_index_count_as_one() -> None:
    """CRC-32 has collisions, such as this one; a sparse vector must not have an index twice."""
    one, other = "plumless", "buckeroo"
    assert word_index(one) == word_index(other)

    assert values(f"{one} {other}") == pytest.approx(values(f"{one} {one}"))
    assert query_words(f"{one} {other}") == (word_index(one),)


def test_a_transcript_of_a_day() -> None:
    """Of 200,000 words, 50,000 of them distinct."""
    text = " ".join(f"word{number % 50_000}" for number in range(200_000))
    vector = transcript_vector(text)

    assert vector
    assert len(vector.indices) == len(set(vector.indices)) == 50_000
    assert all(0 < value < 0.01 for value in vector.values)


@given(st.text(max_size=200))
def test_every_value_is_a_positive_number_and_every_index_fits(text: str) -> None:
    found = values(text)

    assert set(found) == set(map(word_index, words(text)))
    assert all(0 < value < 2.2 and math.isfinite(value) for value in found.values())
    assert all(0 <= index < 2**32 for index in found)


def test_a_query_has_each_word_once_in_its_order() -> None:
    assert query_words("Goal, the GOAL the end") == tuple(map(word_index, ("goal", "the", "end")))


def test_rarity_is_qdrants_formula_for_a_word_that_no_point_has() -> None:
    assert highest_rarity(10) == pytest.approx(math.log(1 + (10 - 0 + 0.5) / (0 + 0.5)))
    assert highest_rarity(0) == pytest.approx(math.log(2))


def test_a_rare_word_is_a_larger_share_of_a_query() -> None:
    rarity = {1: 6.0, 2: 1.5, 3: 0.5}

    assert share_of_query(rarity, {1, 7}) == 0.75
    assert share_of_query(rarity, {2, 3}) == 0.25
    assert share_of_query(rarity, {1, 2, 3}) == 1.0
    assert share_of_query(rarity, set()) == share_of_query({}, {1}) == 0.0


def test_the_recipe_for_other_programs_makes_the_same_query(capsys: pytest.CaptureFixture[str]) -> None:
    text = "Straße 48213: 東京タワー, Straße cafe\u0301 हिन्दी"
    scope: dict[str, object] = {"__name__": "__main__"}
    exec(RECIPES["word_query.py"], scope)  # noqa: S102  the recipe as it is printed

    printed = json.loads(capsys.readouterr().out)
    assert printed == {"indices": list(query_words("Nakamura invoice 48213")), "values": [1.0, 1.0, 1.0]}
    assert scope["word_query"](text) == {"indices": list(query_words(text)), "values": [1.0] * 7}  # type: ignore[operator]
