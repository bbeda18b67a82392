"""Moments as a result of a tool: JSON values and text. Pure."""

import json
from typing import Any

from connector.search.agents.answer_size import LONGEST_EXCERPT, clipped, fitting, name, small_metadata
from connector.search.agents.input_schemas import MOST_FOUND
from connector.search.results import Moment, Moments
from connector.web.pages.moment import position

_MOST_OTHERS = 5
_NOTHING_NEAR = (
    "Nothing stands out: these are only the nearest moments, and may have nothing to do with the text. Try other "
    "words, and see coverage for what is not synced."
)
_NOTHING_FITS = "No moment fits. Remove filters, or see list_indexes and coverage for what there is."
_NO_DEEPER = (
    f"A search looks at the best {MOST_FOUND} segments only, and there may be more that fit: narrow it by filters, "
    "indexes, time_range, after and before, or by other words."
)
_SEVERAL_MODELS = "The moments are from several models: by rank, because their scores are not comparable."


def moments_answer(found: Moments, offset: int, limit: int) -> dict[str, Any]:
    """`found` are the best moments, from the first; one more than the limit if there are more."""
    moments = found.moments[:MOST_FOUND]
    page = [_moment(it) for it in moments[offset : offset + limit]]
    near = found.near if moments else None
    shown = fitting(page)
    following = offset + shown
    more = following < len(moments)
    notes = [_NOTHING_NEAR] if near is False and page else []
    if not page:
        notes.append("There are no more moments: use a smaller offset." if offset and moments else _NOTHING_FITS)
    if not more and not found.complete and not found.error:
        notes.append(_NO_DEEPER)
    if shown < len(page):
        notes.append(f"Only {shown} of {len(page)} moments are shown, because they are long: see next_offset.")
    if len({it["model"] for it in page}) > 1:
        notes.append(_SEVERAL_MODELS)
    if found.error:
        notes.append(f"One of the models could not be searched, so moments may be missing: {found.error}")
    return {
        "moments": page[:shown],
        "near": near,
        "next_offset": following if more else None,
        "notes": notes,
    }


def moments_text(answer: dict[str, Any], about: str, offset: int) -> str:
    """For hosts that show only text to the model.

    Untrusted text is quoted as JSON, on one line, so that it cannot look like ours.
    """
    count = len(answer["moments"])
    found = f"{count} moment{'' if count == 1 else 's'} {about}, best first."
    lines = [f"{found} Times are seconds from the start of the video."]
    for number, moment in enumerate(answer["moments"], offset + 1):
        lines += _lines(number, moment)
    lines += [f"Note: {note}" for note in answer["notes"]]
    if answer["next_offset"] is not None:
        lines.append(f"There are more: call again with offset = {answer['next_offset']}.")
    return "\n".join(lines)


def quoted(text: Any) -> str:
    """As JSON, on one line."""
    return json.dumps(text, ensure_ascii=False)


def between(start_sec: float, end_sec: float) -> str:
    return f"{start_sec:g} to {end_sec:g} s ({position(start_sec)}-{position(end_sec)})"


def _moment(moment: Moment) -> dict[str, Any]:
    excerpt = clipped(moment.transcript, LONGEST_EXCERPT)
    return {
        "index_id": moment.index_id,
        "index_name": name(moment.index_name),
        "indexed_asset_id": moment.indexed_asset_id,
        "filename": name(moment.filename),
        "start_sec": moment.start_sec,
        "end_sec": moment.end_sec,
        "score": round(moment.score, 4),
        "similarities": {option: round(similarity, 4) for option, similarity in moment.scores.items()},
        "options": list(moment.options),
        "transcript": excerpt,
        "transcript_is_cut": excerpt != moment.transcript,
        "metadata": small_metadata(moment.metadata),
        "created_at": moment.created_at,
        "link": moment.link,
        "model": moment.model,
        "segments": max(len(moment.parts), 1),
        "others": [{"start_sec": it.start_sec, "end_sec": it.end_sec} for it in moment.others[:_MOST_OTHERS]],
    }


def _lines(number: int, moment: dict[str, Any]) -> list[str]:
    similar = ", ".join(f"{option} {value:.2f}" for option, value in moment["similarities"].items())
    lines = [
        f"{number}. {quoted(moment['filename'])} {between(moment['start_sec'], moment['end_sec'])}",
        f"   score {moment['score']:g}; similarity: {similar}; model {moment['model']}",
        f"   index_id {quoted(moment['index_id'])}, indexed_asset_id {quoted(moment['indexed_asset_id'])}",
    ]
    if moment["transcript"]:
        lines.append(f"   spoken: {quoted(moment['transcript'])}")
    if moment["metadata"]:
        lines.append(f"   metadata: {json.dumps(moment['metadata'], ensure_ascii=False)}")
    if moment["others"]:
        others = "; ".join(between(it["start_sec"], it["end_sec"]) for it in moment["others"])
        lines.append(f"   also at: {others}")
    if moment["link"]:
        lines.append(f"   link: {moment['link']}")
    return lines
