"""Revisions: equal content gives an equal revision, in any order; other content gives another."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.bm25 import transcript_vector
from connector.domain.points import AssetPoints, build, computed_metadata_revision
from connector.domain.source_model import Index, RetrievedAsset, SegmentColumn
from tests.builders import asset, column, index, retrieved, spoken, vectors
from tests.comparing import differences

RANGES = [(0.0, 6.0), (6.0, 12.0), (12.0, 18.0)]
WORDS = spoken((0, 1, "kick"), (1, 2, "off"), (7, 8, "goal"))


def answer(**changes: Any) -> RetrievedAsset:
    columns = (column("visual", RANGES, seed=1), column("audio", RANGES, seed=2))
    return replace(retrieved(*columns, words=WORDS, metadata={"a": 1}, hls_url="https://cdn.example/1"), **changes)


def with_visual(**changes: Any) -> RetrievedAsset:
    visual, audio = answer().columns or ()
    return answer(columns=(replace(visual, **changes), audio))


def built(of: RetrievedAsset, **options: Any) -> AssetPoints:
    return build(of, index(), "print-1", **options)


BEFORE = built(answer())


def reordered(segments: SegmentColumn, order: list[int]) -> SegmentColumn:
    start, end, matrix = segments.start_sec[order], segments.end_sec[order], segments.vectors[order]
    return replace(segments, start_sec=start, end_sec=end, vectors=matrix)


@given(st.permutations(range(3)), st.permutations(range(2)), st.permutations(range(3)))
def test_order_does_not_matter(segments: list[int], columns: list[int], words: list[int]) -> None:
    """Of segments, options and words: the revision is that of a set."""
    parts = answer().columns or ()
    said = replace(
        WORDS,
        start_sec=WORDS.start_sec[words],
        end_sec=WORDS.end_sec[words],
        values=tuple(WORDS.values[i] for i in words),
    )
    after = built(answer(columns=tuple(reordered(parts[i], segments) for i in columns), transcription=said))
    assert differences(after, revision=BEFORE.revision, ids=BEFORE.ids, transcripts=BEFORE.transcripts) == {}


@given(st.integers(1, 2))
def test_a_column_in_pieces_is_the_same_column(cut: int) -> None:
    visual, audio = answer().columns or ()
    pieces = reordered(visual, list(range(cut))), audio, reordered(visual, list(range(cut, 3)))
    assert built(answer(columns=pieces)).revision == BEFORE.revision


def test_the_revision_of_an_asset_is_the_same_in_every_release() -> None:
    """Another value would write every point of every user again; a new layout version does so on purpose."""
    matrix = np.array([[1.0, -0.5], [0.25, 3.0]], np.float32)
    plain = retrieved(
        column(matrix=matrix), model="marengo9.9", words=spoken((0, 1, "goal")), metadata={"a": [1, None]}
    )
    made = built(plain)
    assert (made.revision, made.metadata_revision) == (
        "0b0c76151b48c53daa2e3e77985a4c20",
        "aa7f33ef9ca2c98ad41b87d5ecae1908",
    )


def one_bit_more() -> RetrievedAsset:
    matrix = vectors(3, seed=1)
    matrix[2, 0] = np.nextafter(matrix[2, 0], np.float32(9))
    return with_visual(vectors=matrix)


@pytest.mark.parametrize(
    "changed",
    [
        one_bit_more,
        lambda: with_visual(vectors=vectors(3, seed=1)[[1, 0, 2]]),
        lambda: with_visual(option="transcription"),
        lambda: with_visual(scope="video"),
        lambda: with_visual(start_sec=np.array([0.001, 6.0, 12.0])),
        lambda: with_visual(end_sec=np.array([6.0, 12.0, 18.001])),
        lambda: answer(columns=(answer().columns or ())[:1]),
        lambda: answer(columns=()),
        lambda: answer(transcription=None),
        lambda: answer(transcription=replace(WORDS, values=("kick", "off", "Goal"))),
        lambda: answer(transcription=replace(WORDS, start_sec=WORDS.start_sec + 5, end_sec=WORDS.end_sec + 5)),
        lambda: answer(model="marengo9.9"),
    ],
)
def test_any_change_of_the_segments_changes_the_revision(changed: Callable[[], RetrievedAsset]) -> None:
    after = built(changed())
    assert after.revision != BEFORE.revision
    assert after.metadata_revision == BEFORE.metadata_revision


@given(st.integers(0, 2), st.integers(0, 511), st.floats(-9, 9, width=32).filter(bool))
def test_every_number_counts(row: int, place: int, value: float) -> None:
    matrix = vectors(3, seed=1)
    same = bool(matrix[row, place] == np.float32(value))
    matrix[row, place] = value
    assert (built(with_visual(vectors=matrix)).revision == BEFORE.revision) == same


def test_links_count_only_by_being_wanted() -> None:
    """Links expire within the hour: another link is no change, another setting is one."""
    other = answer(hls_url="https://cdn.example/2")
    assert built(answer(), media_links=True).revision != BEFORE.revision
    assert built(other, media_links=True).revision == built(answer(), media_links=True).revision
    assert built(other, media_links=True).metadata_revision == BEFORE.metadata_revision


def test_a_payload_profile_is_another_revision_of_the_metadata_only() -> None:
    """So that payloads are rewritten when it is switched, and vectors are not."""
    after = built(answer(), payload_profile="frameworks")
    assert (after.revision, after.metadata_revision != BEFORE.metadata_revision) == (BEFORE.revision, True)
    assert after.asset_payload == {**BEFORE.asset_payload, "metadata_revision": after.metadata_revision}
    again = computed_metadata_revision(after.payload(0, ["visual"]), "frameworks")
    assert again == after.metadata_revision


def test_the_metadata_revision_of_an_asset_is_the_same_in_every_release() -> None:
    """Another value would write the payloads of every user again."""
    plain = build(retrieved(column(), metadata={"a": 1}), index(), "print-1")
    assert plain.metadata_revision == "baf149148713e9053e68432daf25ca88"


def test_sparse_vectors_count_only_by_being_wanted() -> None:
    """They follow from the transcripts: only the algorithm is new."""
    sparse = built(answer(), sparse_transcript=True)
    assert sparse.revision not in {BEFORE.revision, built(answer(), media_links=True).revision}
    assert sparse.metadata_revision == BEFORE.metadata_revision
    assert sparse.sparse == tuple(map(transcript_vector, sparse.transcripts))
    assert BEFORE.sparse is None


def test_unwanted_transcripts_count_as_none() -> None:
    assert built(answer(), transcript=False).revision == built(answer(transcription=None)).revision


@pytest.mark.parametrize(
    "changed",
    [
        answer(user_metadata={"a": 2}),
        answer(user_metadata={"a": "1"}),
        answer(user_metadata={}),
        answer(asset=asset(filename="other.mp4")),
        answer(asset=asset(created_at="2026-01-14T13:34:30Z")),
        answer(asset=asset(indexed_at="2026-01-14T13:34:30Z")),
        answer(asset=asset(asset_id="upload-2")),
        answer(asset=asset(duration_sec=60.0)),
        answer(asset=asset(fps=25.0)),
        answer(asset=asset(width=640)),
        answer(asset=asset(height=360)),
        answer(asset=asset(size_bytes=1.0)),
    ],
)
def test_a_change_of_metadata_changes_only_its_revision(changed: RetrievedAsset) -> None:
    after = built(changed)
    assert after.metadata_revision != BEFORE.metadata_revision
    assert after.revision == BEFORE.revision


def test_the_name_of_the_index_is_metadata() -> None:
    renamed = Index("index-1", "another name", "marengo3.0", ("visual", "audio"))
    after = build(answer(), renamed, "print-1")
    assert (after.revision, after.metadata_revision != BEFORE.metadata_revision) == (BEFORE.revision, True)


@pytest.mark.parametrize(
    "changed",
    [
        answer(user_metadata={"a": 1}),
        answer(asset=asset(updated_at="2026-01-14T13:34:30Z")),
        answer(asset=asset(status="indexing")),
    ],
)
def test_what_is_not_stored_changes_no_revision(changed: RetrievedAsset) -> None:
    after = built(changed)
    assert (after.revision, after.metadata_revision) == (BEFORE.revision, BEFORE.metadata_revision)


def test_the_order_of_metadata_keys_does_not_matter() -> None:
    one, other = built(answer(user_metadata={"a": 1, "b": 2})), built(answer(user_metadata={"b": 2, "a": 1}))
    assert one.metadata_revision == other.metadata_revision


def test_the_fingerprint_is_part_of_no_revision() -> None:
    """A new fingerprint after an upgrade rewrites no vectors."""
    after = build(answer(), index(), "print-2")
    assert (after.revision, after.metadata_revision) == (BEFORE.revision, BEFORE.metadata_revision)
    assert after.asset_payload["fingerprint"] == "print-2"
