"""A TwelveLabs index for measuring: listing items and retrieved assets as JSON, the same in each run.

The vectors are random, because their values do not matter here; by default the numbers have as many digits
as a double has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

INDEX_ID = "66aa00000000000000000001"
MODEL = "marengo3.0"
OPTIONS = ("visual", "audio", "transcription")
DIMENSION = 512
SECONDS_PER_RANGE = 6
USER_METADATA = {"category": "news", "batch": 5, "rating": 9.25, "tags": ["a", "b"]}
_WORDS = ("the", "storm", "reaches", "harbour", "before", "night", "and", "boats", "return", "safely")


@dataclass(frozen=True, slots=True)
class Library:
    """`assets` videos; `segments` is the number of segments of each option, one per time range from the start."""

    assets: int
    segments: tuple[int, int, int]
    dimension: int = DIMENSION
    short: bool = False
    """Numbers with the few digits that a float32 needs: about half the size."""
    answers_after_sec: float = 0.0
    """How long the source takes for each answer."""

    @property
    def segments_in_all(self) -> int:
        return self.assets * sum(self.segments)

    @property
    def points_in_all(self) -> int:
        return self.assets * max(self.segments)

    def index(self) -> dict[str, Any]:
        return {
            "_id": INDEX_ID,
            "index_name": "measured",
            "created_at": "2026-01-09T11:11:20.463Z",
            "updated_at": "2026-01-09T11:17:15.296Z",
            "expires_at": None,
            "video_count": self.assets,
            "total_duration": self.assets * self._duration,
            "models": [{"model_name": MODEL, "model_options": ["visual", "audio"], "addons": []}],
            "addons": [],
        }

    def items(self) -> list[dict[str, Any]]:
        """The assets as the listing shows them, oldest first."""
        return [self._item(number) for number in range(self.assets)]

    def bodies(self) -> Iterator[tuple[str, bytes]]:
        """Asset id and retrieved asset with all options and the transcription."""
        for number, item in enumerate(self.items()):
            segments = [segment for option in range(len(OPTIONS)) for segment in self._segments(number, option)]
            embedding = {"model_name": MODEL, "video_embedding": {"segments": segments}}
            body = {**self.details(item), "embedding": embedding, "transcription": self._transcription(number)}
            yield item["_id"], orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)

    def details(self, item: dict[str, Any]) -> dict[str, Any]:
        """A retrieved asset without an embedding."""
        return {**item, "user_metadata": USER_METADATA}

    @property
    def _duration(self) -> float:
        return float(SECONDS_PER_RANGE * max(self.segments))

    def _item(self, number: int) -> dict[str, Any]:
        day, second = divmod(number, 86_400)
        time = f"2026-01-{10 + day:02d}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        return {
            "_id": f"66bb{number:020x}",
            "asset_id": f"66cc{number:020x}",
            "created_at": f"{time}Z",
            "updated_at": f"{time}.500Z",
            "indexed_at": f"{time}.250Z",
            "status": "ready",
            "system_metadata": {
                "filename": f"video-{number}.mp4",
                "duration": self._duration,
                "fps": 29.97,
                "width": 1280,
                "height": 720,
                "size": 65_749_715 + number,
            },
        }

    def _segments(self, number: int, option: int) -> Iterator[dict[str, Any]]:
        generator = np.random.default_rng([number, option])
        vectors = generator.standard_normal((self.segments[option], self.dimension), dtype=np.float32)
        vectors /= np.sqrt(self.dimension)
        for row, vector in enumerate(vectors if self.short else vectors.astype(np.float64)):
            yield {
                "start_offset_sec": float(SECONDS_PER_RANGE * row),
                "end_offset_sec": float(SECONDS_PER_RANGE * (row + 1)),
                "embedding_option": OPTIONS[option],
                "embedding_scope": "clip",
                "float": vector,
            }

    def _transcription(self, number: int) -> list[dict[str, Any]]:
        """One sentence in each time range."""
        return [
            {
                "start": float(SECONDS_PER_RANGE * row),
                "end": float(SECONDS_PER_RANGE * row + 5),
                "value": " ".join(_WORDS[(number + row + word) % len(_WORDS)] for word in range(8)),
            }
            for row in range(max(self.segments))
        ]
