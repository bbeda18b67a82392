"""Switches for undocumented behaviour of the real service; all can be changed while the simulator runs."""

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0, le=1e9)]


class Knobs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The knobs, their defaults and meanings.

    Change feed: `patch_bumps_updated_at` (true) a PATCH moves updated_at; `reindex_bumps_updated_at` (false) a re-index
    or a migration does; `asset_metadata_propagates` (false) /assets/{id}/user-metadata changes the indexed assets too;
    `updated_at_filter` filters by every change ("all") or by metadata changes only ("patched").

    Retrieve: `not_ready_embedding` ("200_no_embedding", "400", "404") is the response to embedding_option for an
    unready asset; `disabled_option` ("400", "omit") for an option that the index lacks; `ready_lag_s` (0) seconds
    between ready and the embedding; `segment_order` ("by_option", "interleaved", "shuffled"); `audio_grid` ("shared",
    "own") time ranges of audio; `null_float` (0) share of segments with float null; `empty_segments` (false).

    Listing: `timestamps` ("millis", "seconds", "offset"); `tie_order` ("stable", "shuffled" per request) of equal sort
    keys; `past_end` ("empty" = [], "null"); `missing_index` ("404", "400" resource_not_exist); `page_drift` ("none",
    "insert" an asset, "delete" the first listed) once per walk, right after its first page.

    Rate limit: `rate_limit` (null = none) requests per `rate_limit_window_s` (60); `rate_limit_headers` ("new", "old",
    "both", "none"); `rate_limit_body` ("flat", "nested", "empty"); `retry_after` (true) sends that header.

    Keys: requests with one of `revoked_keys` (none) get 401.

    Search and embedding tasks: `search_page_ttl_s` (3600) seconds for which page tokens can be used; `embed_task_fate`
    ("ready", "failed") is how a new embedding task ends.

    Webhooks: `webhook_copies` (1) deliveries per event; `webhook_reorder` (false) newest first; `webhook_loss` (0)
    share lost; `webhook_clock_skew_s` (0) added to the signature's time; `webhook_unknown_task` (false) puts the
    id of an unknown task into data.id.
    """

    patch_bumps_updated_at: bool = True
    reindex_bumps_updated_at: bool = False
    asset_metadata_propagates: bool = False
    updated_at_filter: Literal["all", "patched"] = "all"

    not_ready_embedding: Literal["200_no_embedding", "400", "404"] = "200_no_embedding"
    disabled_option: Literal["400", "omit"] = "400"
    ready_lag_s: Seconds = 0.0
    segment_order: Literal["by_option", "interleaved", "shuffled"] = "by_option"
    audio_grid: Literal["shared", "own"] = "shared"
    null_float: Share = 0.0
    empty_segments: bool = False

    timestamps: Literal["millis", "seconds", "offset"] = "millis"
    tie_order: Literal["stable", "shuffled"] = "stable"
    past_end: Literal["empty", "null"] = "empty"
    missing_index: Literal["404", "400"] = "404"
    page_drift: Literal["none", "insert", "delete"] = "none"

    rate_limit: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] | None = None
    rate_limit_window_s: Annotated[float, msgspec.Meta(ge=0.001, le=1e9)] = 60.0
    rate_limit_headers: Literal["new", "old", "both", "none"] = "new"
    rate_limit_body: Literal["flat", "nested", "empty"] = "flat"
    retry_after: bool = True

    search_page_ttl_s: Seconds = 3600.0
    embed_task_fate: Literal["ready", "failed"] = "ready"

    webhook_copies: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    webhook_reorder: bool = False
    webhook_loss: Share = 0.0
    webhook_clock_skew_s: Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)] = 0.0
    webhook_unknown_task: bool = False

    revoked_keys: tuple[str, ...] = ()

    def with_changes(self, /, **changes: object) -> "Knobs":
        """Raises ValueError that names the knob and its valid values."""
        try:
            return msgspec.convert({**msgspec.structs.asdict(self), **changes}, Knobs)
        except msgspec.ValidationError as error:
            raise ValueError(f"knobs: {error}; see docs/simulator.md for names and values") from error
