"""One request as a value, and the errors that it can raise."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from connector.domain.errors import AssetError, ConfigError, CycleError, MalformedAsset, SourceUnavailable, Unavailable
from connector.domain.source_model import LONGEST_ID

T = TypeVar("T")

_LONGEST_SHOWN = 100
_ADVICE = "Check the network and TWELVELABS_BASE_URL; the connector retries automatically"

# RFC 3986 pchar without percent-encoding, with a length that every server accepts.
_PATH_SEGMENT = re.compile(rf"[A-Za-z0-9._~!$&'()*+,;=:@-]{{1,{LONGEST_ID}}}")


@dataclass(frozen=True, slots=True)
class Call:
    """`wrong` is the error to raise for valid JSON with invalid content; its type sets the scope of the failure.

    `input` is what an embedding is asked for: a text, an image or an audio file.
    """

    operation: str
    subject: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    index_id: str | None = None
    method: str = "GET"
    json: bytes | None = None
    form: Mapping[str, str] | None = None
    wrong: type[MalformedAsset | SourceUnavailable] = SourceUnavailable
    input: str = "text"

    def unavailable(self, cause: str, advice: str = _ADVICE) -> Unavailable:
        return Unavailable(self.operation, self.subject, cause, advice, side="source")

    def malformed(self, cause: str) -> AssetError | CycleError:
        return self.wrong(self.operation, self.subject, cause, "The response was not used; report it to TwelveLabs")


Read = Callable[[bytearray, Call], T]
"""Reads the body of a successful response."""


class Refused(Exception):
    """The API itself responded 4xx to this call; `says` is its code and message, safe to show to an operator."""

    def __init__(self, status: int, code: str, says: str) -> None:
        super().__init__(status, code, says)
        self.status = status
        self.code = code
        self.says = says


def index_path(index_id: str) -> str:
    """Raises ConfigError for an invalid id, because index ids come from the operator."""
    if not _is_segment(index_id):
        advice = "Copy the id from the TwelveLabs dashboard into CONNECTOR_INDEXES"
        raise ConfigError("use index", repr(index_id), "it is not a valid index id", advice)
    return f"indexes/{index_id}"


def asset_path(index_id: str, indexed_asset_id: str) -> str:
    """Raises MalformedAsset for an id that cannot be part of a path, because asset ids come from the source.

    Such an id is not percent-encoded: the vendor's SDK inserts ids raw, and proxies interpret `%2F` and `%2E`
    differently. So a 404 could refer to another resource, but a 404 is the proof on which points are deleted.
    """
    if not _is_segment(indexed_asset_id):
        subject = f"{indexed_asset_id[:_LONGEST_SHOWN]!r}"
        raise MalformedAsset("request asset", subject, "its id cannot be part of a URL path", "Report it to TwelveLabs")
    return f"{index_path(index_id)}/indexed-assets/{indexed_asset_id}"


def task_path(task_id: str) -> str:
    """Raises Refused for an invalid id, because task ids come from webhooks."""
    if not _is_segment(task_id):
        raise Refused(400, "parameter_invalid", "it is not a valid task id")
    return f"tasks/{task_id}"


def _is_segment(text: str) -> bool:
    return bool(_PATH_SEGMENT.fullmatch(text)) and text != "." and ".." not in text
