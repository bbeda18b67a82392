"""Everything that the pages and `/api/indexes/…/assets/…` show of one asset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.page import Page
from connector.domain.stored_segments import StoredSegment


@dataclass(frozen=True, slots=True)
class AssetView:
    """`document` has JSON values, and everything but the segments, which are in the order of time."""

    document: Mapping[str, Any]
    segments: tuple[StoredSegment, ...]

    def page(self, page: Page) -> dict[str, Any]:
        """The document with one page of the segments."""
        shown = self.segments[page.offset : page.offset + page.limit]
        total = len(self.segments)
        return {
            **self.document,
            "segments": [segment.document() for segment in shown],
            "next_offset": page.next_offset(total),
        }
