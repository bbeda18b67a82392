"""JSON schemas of the arguments of each tool. They are part of what an agent reads, so every property is described."""

from typing import Any, Final

from connector.search.moment_request import PAGED

Schema = dict[str, Any]

MOST_MOMENTS: Final = 50
MOST_FOUND: Final = PAGED
MOST_SEGMENTS: Final = 500
LONGEST_TEXT: Final = 2000
_LONGEST_ID = 256
_LONGEST_SEC = 1_000_000_000

INDEX_ID = "66aa00000000000000000001"
ASSET_ID = "66ab00000000000000000001"


def _text(description: str, *examples: str, longest: int = _LONGEST_ID) -> Schema:
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": longest,
        "description": description,
        "examples": list(examples),
    }


def _whole(description: str, lowest: int, highest: int, default: int) -> Schema:
    return {
        "type": "integer",
        "minimum": lowest,
        "maximum": highest,
        "default": default,
        "description": description,
    }


def _seconds(description: str, *examples: float) -> Schema:
    return {
        "type": "number",
        "minimum": 0,
        "maximum": _LONGEST_SEC,
        "description": description,
        "examples": list(examples),
    }


def _flag(description: str) -> Schema:
    return {"type": "boolean", "default": False, "description": description}


def _object(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_BOUND: Schema = {"type": ["string", "number"], "description": "A number, or a date for a key that holds dates."}
_RANGE: Schema = {
    "type": "object",
    "properties": dict.fromkeys(("gt", "gte", "lt", "lte"), _BOUND),
    "additionalProperties": False,
    "minProperties": 1,
}

_INDEXES: Schema = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": _LONGEST_ID},
    "minItems": 1,
    "maxItems": 100,
    "description": "Ids of the indexes to search, from list_indexes (not names). Omit it to search all.",
    "examples": [[INDEX_ID]],
}
_OPTIONS: Schema = {
    "type": "array",
    "items": {"type": "string", "enum": ["visual", "audio", "transcription", "visual-text"]},
    "minItems": 1,
    "uniqueItems": True,
    "description": (
        "What to compare: visual (what is seen), audio (sounds and music), transcription "
        "(spoken words). visual also covers visual-text of the older model marengo2.7, whose audio includes speech. "
        "Omit it to compare all of them at once, which is best for most questions."
    ),
    "examples": [["visual"], ["transcription"]],
}
_TIME_RANGE: Schema = {
    **_object(
        ["start_sec", "end_sec"],
        start_sec=_seconds("Begin, in seconds from the start of the video.", 0),
        end_sec=_seconds("End, in seconds from the start of the video; above start_sec.", 60),
    ),
    "description": (
        "Only segments that overlap this part of their video. Both are offsets in seconds from the start of the video, "
        "not times of day: the first minute is {start_sec: 0, end_sec: 60}."
    ),
    "examples": [{"start_sec": 0, "end_sec": 60}],
}
_FILTERS: Schema = {
    "type": "object",
    "maxProperties": 20,
    "additionalProperties": {
        "anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1, "maxItems": 100}, _RANGE]
    },
    "description": (
        "Key -> value, list of values (any of them) or range {gt, gte, lt, lte}; all keys must hold. A key is one of "
        "filename, duration_sec, width, height, fps, size_bytes, created_at, indexed_at, asset_id, indexed_asset_id, "
        "embedding_model, or else a key of the video's own metadata (list_indexes names them); goals[].player is the "
        "key player of the objects in its list goals. {transcript: 'red car'} finds segments in which all these words "
        "are spoken."
    ),
    "examples": [{"category": ["sports", "news"], "season": {"gte": 2025}}, {"filename": "cup-final.mp4"}],
}
_LIMIT = _whole("How many moments to return at most.", 1, MOST_MOMENTS, 10)
_OFFSET = _whole(
    "How many of the best moments to skip: next_offset of the previous result, to get more.", 0, MOST_FOUND, 0
)
_GROUP = _flag("True: only the best moment of each video, to find videos rather than moments.")
_MERGE = _seconds(
    "Join neighbouring segments of a video into one longer moment if at most so many seconds lie between them; 0 joins "
    "what touches. Omit it to get single segments.",
    0,
    2,
)

_NARROWING: dict[str, Schema] = {
    "indexes": _INDEXES,
    "options": _OPTIONS,
    "filters": _FILTERS,
    "time_range": _TIME_RANGE,
    "after": _text(
        "Only videos created at this time or later: a date or RFC 3339 time, in UTC unless it has a zone.",
        "2026-03-01",
        "2026-03-01T08:00:00Z",
        longest=64,
    ),
    "before": _text("Only videos created before this date or time.", "2026-04-01", longest=64),
    "limit": _LIMIT,
    "offset": _OFFSET,
    "group": _GROUP,
    "merge_gap_sec": _MERGE,
}

_INDEX = _text("Id of the index, as in a moment or from list_indexes.", INDEX_ID)
_ASSET = _text("Id of the video in this index: indexed_asset_id of a moment. Not asset_id or file name.", ASSET_ID)
_START = _seconds(
    "A position inside the segment to start from, in seconds from the start of the video: start_sec of a moment.", 12.8
)
_TEXT = _text(
    "What to look for, in plain words of any language: what is seen, heard or said. Not a keyword query; a short "
    "description works best.",
    "goal celebration",
    "a red car on a wet road",
    longest=LONGEST_TEXT,
)
_SEGMENTS = _whole("How many segments to return at most.", 1, MOST_SEGMENTS, 50)
_SKIPPED = _whole("How many segments to skip: next_offset of the previous result.", 0, 1_000_000, 0)
_INDEXES_SKIPPED = _whole("How many indexes to skip: next_offset of the previous result.", 0, 1_000_000, 0)

SEARCH_MOMENTS = _object(["text"], text=_TEXT, **_NARROWING)
SIMILAR_MOMENTS = _object(
    ["index_id", "indexed_asset_id", "start_sec"],
    index_id=_INDEX,
    indexed_asset_id=_ASSET,
    start_sec=_START,
    other_videos_only=_flag("True: leave out further moments of the same video."),
    **_NARROWING,
)
GET_VIDEO = _object(
    ["index_id", "indexed_asset_id"],
    index_id=_INDEX,
    indexed_asset_id=_ASSET,
    time_range=_TIME_RANGE,
    limit=_SEGMENTS,
    offset=_SKIPPED,
)
LIST_INDEXES = _object([], offset=_INDEXES_SKIPPED)
COVERAGE = _object([], indexes=_INDEXES, offset=_INDEXES_SKIPPED)
