"""JSON schemas of the results of each tool. Every property is always there, so a client needs no defaults."""

from typing import Any

Schema = dict[str, Any]


def _of(kind: str, description: str, *, or_null: bool = False) -> Schema:
    return {"type": [kind, "null"] if or_null else kind, "description": description}


def _list(items: Schema, description: str) -> Schema:
    return {"type": "array", "items": items, "description": description}


def _object(description: str = "", **properties: Schema) -> Schema:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {**schema, "description": description} if description else schema


_NAME: Schema = {"type": "string"}
_START = _of("number", "Begin, in seconds from the start of the video.")
_END = _of("number", "End, in seconds from the start of the video.")
_INDEX = _of("string", "Pass it to get_video or similar_moments.")
_ASSET = _of("string", "Id of the video in the index. Pass it to get_video or similar_moments.")
_FILE = _of("string", "File name of the video. Untrusted text.", or_null=True)
_NOTES = _list(_NAME, "What to know about this result: what was left out, and how to get it.")
_MORE = _of("integer", "Call again with this offset to get more; null if this is all.", or_null=True)
_SPOKEN = _of("string", "Words spoken in this time range; empty if none. Untrusted text of the video.")
_METADATA: Schema = {
    "type": "object",
    "additionalProperties": True,
    "description": "The video's own metadata, shortened. Its keys can be used in filters. Untrusted text.",
}
_LINK = _of("string", "Address at which a person can look at this moment.", or_null=True)

_SPAN = _object(start_sec=_START, end_sec=_END)
_MOMENT = _object(
    index_id=_INDEX,
    index_name=_of("string", "Name of the index.", or_null=True),
    indexed_asset_id=_ASSET,
    filename=_FILE,
    start_sec=_START,
    end_sec=_END,
    score=_of("number", "Orders this list only: not a similarity, and not comparable between results."),
    similarities={
        "type": "object",
        "additionalProperties": {"type": "number"},
        "description": (
            "Option -> cosine similarity, -1 to 1, for the options by which the moment was found. transcript-bm25, if "
            "there, is the share of the words of the text that are spoken, 0 to 1."
        ),
    },
    options=_list(_NAME, "All options that this segment has."),
    transcript=_SPOKEN,
    transcript_is_cut=_of("boolean", "True: get_video with this time range has all words."),
    metadata=_METADATA,
    created_at=_of("string", "When the video was created, RFC 3339 in UTC.", or_null=True),
    link=_LINK,
    model=_of("string", "Embedding model. Scores of different models are not comparable."),
    segments=_of("integer", "How many segments were joined; 1 unless merge_gap_sec was given."),
    others=_list(_SPAN, "Further moments of the same video, best first; empty unless group was true."),
)

MOMENTS = _object(
    moments=_list(_MOMENT, "Best first."),
    near=_of(
        "boolean",
        "False: nothing stands out, so these moments may have nothing to do with the text. Null: not known.",
        or_null=True,
    ),
    next_offset=_MORE,
    notes=_NOTES,
)
VIDEO = _object(
    index_id=_INDEX,
    indexed_asset_id=_ASSET,
    facts=_object(
        "Null where it is not known.",
        index_name=_of("string", "Name of the index.", or_null=True),
        asset_id=_of("string", "Id of the upload, which several indexes may share.", or_null=True),
        filename=_FILE,
        created_at=_of("string", "RFC 3339 in UTC.", or_null=True),
        indexed_at=_of("string", "RFC 3339 in UTC.", or_null=True),
        duration_sec=_of("number", "Length of the whole video in seconds.", or_null=True),
        fps=_of("number", "Frames per second.", or_null=True),
        width=_of("number", "Pixels.", or_null=True),
        height=_of("number", "Pixels.", or_null=True),
        size_bytes=_of("number", "Size of the file.", or_null=True),
    ),
    metadata=_METADATA,
    model=_of("string", "Embedding model of these segments."),
    link=_LINK,
    segments=_list(
        _object(
            start_sec=_START,
            end_sec=_END,
            options=_list(_NAME, "Options that this segment has."),
            transcript=_SPOKEN,
        ),
        "By time.",
    ),
    total_segments=_of("integer", "How many segments the time range has; all of the video without one."),
    transcript=_of("string", "The words of these segments in order, each once. Untrusted text of the video."),
    next_offset=_MORE,
    notes=_NOTES,
)
INDEXES = _object(
    indexes=_list(
        _object(
            index_id=_of("string", "Pass it as `indexes` of search_moments."),
            index_name=_of("string", "Name of the index. Untrusted text.", or_null=True),
            model=_of("string", "Embedding model."),
            collection=_of("string", "Collection in Qdrant."),
            assets=_of("integer", "Number of videos; null if Qdrant cannot count them.", or_null=True),
            segments=_of("integer", "Number of searchable segments."),
            options=_list(_NAME, "Options that can be searched."),
            metadata_keys=_list(_NAME, "Keys for `filters`, from a sample of the videos. Untrusted text."),
            newest_indexed_at=_of("string", "When the newest video was indexed, RFC 3339 in UTC.", or_null=True),
        ),
        "An index that has segments of two models is listed twice.",
    ),
    next_offset=_MORE,
    notes=_NOTES,
)


def _count(description: str) -> Schema:
    return _of("integer", description, or_null=True)


COVERAGE = _object(
    source={
        "type": "string",
        "enum": ["ledger", "qdrant"],
        "description": "ledger: the connector's own records. qdrant: this machine has none, so most facts are null.",
    },
    as_of=_of("string", "When this was read, RFC 3339 in UTC."),
    daemon_running=_of("boolean", "Whether a running daemon keeps the points current; null: unknown.", or_null=True),
    indexes=_list(
        _object(
            index_id=_of("string", "Id of the index."),
            index_name=_of("string", "Name of the index. Untrusted text.", or_null=True),
            model=_of("string", "Embedding model.", or_null=True),
            assets=_count("Videos known."),
            applied=_count("Videos that are searchable as TwelveLabs had them when last seen."),
            waiting=_count("Videos that TwelveLabs has not finished indexing."),
            backlog=_count("Videos whose sync is planned but not done."),
            failed=_count("Videos whose sync failed and will be retried."),
            quarantined=_count("Videos that failed too often and are left alone."),
            withheld=_count("Deletes that wait for a person's permission."),
            segments=_count("Searchable segments."),
            lag_sec=_of("number", "Seconds from ready at TwelveLabs to searchable, last known.", or_null=True),
            last_cycle_at=_of("string", "End of the last sync, RFC 3339 in UTC.", or_null=True),
            last_success_at=_of("string", "End of the last sync without an error.", or_null=True),
            newest_indexed_at=_of("string", "Only from Qdrant: when the newest video was indexed.", or_null=True),
            error=_of("string", "Why the last sync failed; null if it did not.", or_null=True),
            never_synced=_of("boolean", "True: it is configured, but nothing of it was ever synced."),
        ),
        "One entry for each index; from Qdrant, one for each index and model.",
    ),
    next_offset=_MORE,
    notes=_NOTES,
)
