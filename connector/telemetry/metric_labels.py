"""Label values of the metrics: from words of messages to short, stable names. Each label has few values."""

from http import HTTPStatus

from connector.domain.report import FULL_CYCLES, CycleKind

SOURCE_OPERATIONS = {
    "list": "list_indexes",
    "look up index": "get_index",
    "look up task": "get_task",
    "ask TwelveLabs": "ping",
    "list assets of index": "list_assets",
    "retrieve asset": "retrieve_asset",
    "confirm asset": "confirm_asset",
    "embed text with": "embed_text",
}
SINK_OPERATIONS = {
    "ask Qdrant for its version": "ping",
    "list Qdrant's collections": "list_collections",
    "list Qdrant's aliases": "list_aliases",
    "inspect Qdrant collection": "get_collection",
    "create Qdrant collection": "create_collection",
    "change Qdrant alias": "change_alias",
    "create collections with": "update_aliases",
    "stamp Qdrant collection": "stamp_collection",
    "set the owner of an index in Qdrant collection": "set_owner",
    "index payload key": "create_payload_index",
    "write points to collection": "upsert",
    "change payloads in collection": "set_payload",
    "delete points of collection": "delete",
    "count points of collection": "count",
    "count points by": "facet",
    "list points of collection": "scroll",
    "read points of collection": "query_vectors",
    "read a point of Qdrant collection": "example",
    "search collection": "search",
    "verify a write to collection": "verify_write",
    "verify a delete in collection": "verify_delete",
}
COMPOSED = frozenset({"verify_write", "verify_delete"})
"""They consist of other requests, which are counted by themselves; only their repetitions are counted."""
OTHER = "other"
NO_STATUS = "none"
RECURRING = ("full_cycle", "poll")
"""The kinds of cycles that an index needs regularly to be current."""
_WITH_A_KEY = ("index payload key", "count points by")
_STATUSES = frozenset(int(it) for it in HTTPStatus)


def source_operation(words: str) -> str:
    return SOURCE_OPERATIONS.get(words, OTHER)


def sink_operation(words: str) -> str:
    """Payload keys are left out: they are names that users choose."""
    known = next((it for it in _WITH_A_KEY if words.startswith(f"{it} ")), words)
    return SINK_OPERATIONS.get(known, OTHER)


def status_label(status: int | None) -> str:
    """The code if it is a registered one, or else its class; `none` without a response."""
    if status is None:
        return NO_STATUS
    return str(status) if status in _STATUSES else f"{status // 100}xx"


def kind_label(kind: str) -> str:
    return kind.replace(" ", "_")


def recurring_kind(kind: str) -> str | None:
    """That of RECURRING which a cycle of this kind belongs to; None for other kinds."""
    full, poll = RECURRING
    return full if kind in FULL_CYCLES else poll if kind == CycleKind.POLL else None
