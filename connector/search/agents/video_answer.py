"""A stored video as a result of `get_video`: JSON values and text. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.domain.marengo import option_order
from connector.domain.stored_segments import StoredSegment
from connector.search.agents.answer_size import LONGEST_SPOKEN, clipped, fitting, name, small_metadata
from connector.search.agents.moment_answers import between, quoted
from connector.search.agents.output_schemas import VIDEO
from connector.search.moment_links import Link
from connector.search.video_catalog import StoredVideo

_FACTS = tuple(VIDEO["properties"]["facts"]["properties"])
_SPEECH = "transcription"
_MOST_CHARS = 10_000
"""Of the segments; their words come a second time in `transcript`."""


def video_answer(
    place: tuple[str, str],
    video: StoredVideo,
    within: Mapping[str, float] | None,
    offset: int,
    limit: int,
    link: Link,
) -> dict[str, Any]:
    """`place` is (index id, indexed asset id), `within` the time range in seconds, if any."""
    stored = video.stored
    start, end = (within["start_sec"], within["end_sec"]) if within else (0.0, float("inf"))
    segments = [it for it in stored.segments if it.overlaps(start, end)]
    page = segments[offset : offset + limit]
    shown = fitting([_segment(it) for it in page], _MOST_CHARS)
    following = offset + shown
    facts = {key: stored.facts.get(key) for key in _FACTS}
    metadata = stored.facts.get("user_metadata") or {}
    small = small_metadata(metadata)
    page = page[:shown]
    first = page[0] if page else None
    at = {"start_sec": first.start_sec if first else 0.0, "end_sec": page[-1].end_sec if page else 0.0}
    return {
        "index_id": place[0],
        "indexed_asset_id": place[1],
        "facts": {key: name(it) if isinstance(it, str) else it for key, it in facts.items()},
        "metadata": small,
        "model": video.models[0],
        "link": link({**facts, "index_id": place[0], "indexed_asset_id": place[1], **at}),
        "segments": [_segment(it) for it in page],
        "total_segments": len(segments),
        "transcript": spoken_words(page),
        "next_offset": following if following < len(segments) else None,
        "notes": [*_notes(video, bool(segments), offset, len(segments)), *_cut(metadata, small)],
    }


def video_text(answer: Mapping[str, Any]) -> str:
    """For hosts that show only text to the model. Untrusted text is quoted as JSON."""
    facts, segments = answer["facts"], answer["segments"]
    length = "" if facts["duration_sec"] is None else f", {facts['duration_sec']:g} s long"
    lines = [
        f"{quoted(facts['filename'])}{length}, created {facts['created_at']}, model {answer['model']}",
        f"index_id {quoted(answer['index_id'])}, indexed_asset_id {quoted(answer['indexed_asset_id'])}",
        f"metadata: {quoted_object(answer['metadata'])}",
        f"{len(segments)} of {answer['total_segments']} segments. Times are seconds from the start of the video.",
    ]
    for segment in segments:
        words = f": {quoted(segment['transcript'])}" if segment["transcript"] else " (nothing said)"
        lines.append(f"- {between(segment['start_sec'], segment['end_sec'])}{words}")
    lines += [f"Note: {note}" for note in answer["notes"]]
    if answer["next_offset"] is not None:
        lines.append(f"There are more segments: call again with offset = {answer['next_offset']}.")
    if answer["link"]:
        lines.append(f"link: {answer['link']}")
    return "\n".join(lines)


def quoted_object(values: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in values.items()) + "}"


def spoken_words(segments: Sequence[StoredSegment]) -> str:
    """Of segments by time, each time range once.

    Options may have time ranges of their own: those of the option that covers most of what is said count (of equals,
    `transcription`), and then what none of them overlaps.
    """
    spoken = [it for it in segments if it.transcript]
    options = sorted({name for it in spoken for name in it.options}, key=lambda it: (it != _SPEECH, option_order(it)))
    by_option = [[it for it in spoken if option in it.options] for option in options]
    chosen = max(by_option, key=lambda found: sum(it.end_sec - it.start_sec for it in found), default=[])
    rest = [it for it in spoken if not any(it.overlaps(other.start_sec, other.end_sec) for other in chosen)]
    return " ".join(clipped(it.transcript, LONGEST_SPOKEN) for it in sorted([*chosen, *rest]))


def _segment(segment: StoredSegment) -> dict[str, Any]:
    return {
        "start_sec": segment.start_sec,
        "end_sec": segment.end_sec,
        "options": list(segment.options),
        "transcript": clipped(segment.transcript, LONGEST_SPOKEN),
    }


def _notes(video: StoredVideo, any_found: bool, offset: int, count: int) -> list[str]:
    notes = []
    if not any_found:
        last = max(it.end_sec for it in video.stored.segments)
        notes.append(f"No segment overlaps this time range; the last one ends at {last:g} s.")
    elif offset >= count:
        notes.append(f"There are only {count} segments: use a smaller offset.")
    if len(video.models) > 1:
        others = ", ".join(video.models[1:])
        notes.append(f"It also has segments of {others}, which are not shown.")
    if video.stored.truncated:
        notes.append("The video has more segments than are read here.")
    return notes


def _cut(metadata: Mapping[str, Any], shown: Mapping[str, Any]) -> list[str]:
    return [] if metadata == shown else ["The metadata is long and is shown in part."]
