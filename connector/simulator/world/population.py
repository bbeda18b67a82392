"""The generated assets of an index: each is a function of (seed, index, ordinal); numpy computes whole columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connector.simulator.world.draws import Ordinals, draw, key, unit
from connector.simulator.world.records import STAGES, Content, Record, stage_starts
from connector.simulator.world.scenario import AssetSpec, IndexSpec, Timings
from connector.simulator.world.scenes import THEMES, check_scenes

Millis = NDArray[np.int64]

_SETTLE_MS = 3_600_000
_FORMATS = ((1920, 1080, 29.97), (1280, 720, 25.0), (3840, 2160, 23.976), (640, 360, 30.0))
_FACTS = ("theme", "format", "first", "rating", "reviewed", "region")
_REGIONS = ("emea", "apac", "americas", "nordics")
_BYTES_PER_PIXEL_SECOND = 0.9


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns for filters and sorting of large listings, one row per ordinal; `fate` is an index into the fates."""

    created_ms: Millis
    updated_ms: Millis
    duration: NDArray[np.float64]
    fate: NDArray[np.int64]


class Population:
    """Ordinals 0..len(written)-1 are the written assets, the following `generate` ones are created on demand."""

    def __init__(self, seed: int, number: int, spec: IndexSpec, timings: Timings, start_ms: int) -> None:
        self.size = len(spec.assets) + spec.generate
        self._seed = seed
        self._number = number
        self._spec = spec
        self._starts = stage_starts(timings)
        self._start_ms = start_ms
        self._every_ms = round(spec.created_every * 1000)
        self.created_ms = start_ms - _SETTLE_MS - self.size * self._every_ms - self._starts[-1]
        self.fates = ("ready", *spec.statuses)
        self._bounds = np.cumsum(list(spec.statuses.values()))

    def columns(self, ordinals: Ordinals) -> Columns:
        created = self._created(ordinals)
        fate = self._fates(ordinals)
        ends = np.array([self._end(name) for name in self.fates], dtype=np.int64)
        return Columns(created, created + ends[fate], self._durations(ordinals), fate)

    def records(self, ordinals: Sequence[int]) -> list[Record]:
        """The assets before any change."""
        column = np.array(ordinals, dtype=np.int64)
        columns = self.columns(column)
        facts = zip(*(self._drawn(fact, column) for fact in _FACTS), strict=True)
        return [
            self._generated(ordinal, columns, row, drawn)
            for row, (ordinal, drawn) in enumerate(zip(ordinals, facts, strict=True))
        ]

    def written(self) -> list[Record]:
        created = self._created(np.arange(len(self._spec.assets), dtype=np.int64))
        return [self._written(nth, spec, int(created[nth])) for nth, spec in enumerate(self._spec.assets)]

    def _drawn(self, fact: str, ordinals: Ordinals) -> list[int]:
        numbers: list[int] = (draw(key(self._seed, fact, self._number), ordinals) >> np.uint64(32)).tolist()
        return numbers

    def _generated(self, ordinal: int, columns: Columns, row: int, drawn: tuple[int, ...]) -> Record:
        looks, shape, first, rating, reviewed, region = drawn
        theme = THEMES[looks % len(THEMES)]
        width, height, fps = _FORMATS[shape % len(_FORMATS)]
        duration = float(columns.duration[row])
        content = Content(
            key=f"{self._number}/{ordinal}",
            filename=f"{theme.name}-{ordinal:06d}.mp4",
            duration=duration,
            fps=fps,
            width=width,
            height=height,
            size=file_size(width, height, duration),
            scenes=theme.scenes,
            first=first % len(theme.scenes),
        )
        created = int(columns.created_ms[row])
        return Record(
            ordinal=ordinal,
            content=content,
            created_ms=created,
            started_ms=created,
            fate=self.fates[columns.fate[row]],
            user_metadata={
                "category": theme.name,
                "batch": ordinal // 100,
                "rating": rating % 100 / 10,
                "reviewed": reviewed % 2 == 0,
                "tags": [theme.name, _REGIONS[region % len(_REGIONS)]],
            },
        )

    def _written(self, ordinal: int, spec: AssetSpec, created_ms: int) -> Record:
        started = created_ms
        if spec.ready_in is not None:
            started = self._start_ms + round(spec.ready_in * 1000) - self._starts[-1]
        content = written_content(f"{self._number}/{ordinal}", spec, self._seed)
        return Record(
            ordinal=ordinal,
            content=content,
            created_ms=created_ms,
            started_ms=started,
            fate=spec.status,
            user_metadata=dict(spec.metadata),
            video_stream=spec.video_stream,
        )

    def _created(self, ordinals: Ordinals) -> Millis:
        created: Millis = self.created_ms + ordinals * self._every_ms
        if self._every_ms:
            jitter = draw(key(self._seed, "created", self._number), ordinals) % np.uint64(self._every_ms)
            created = created + jitter.astype(np.int64)
        return created

    def _durations(self, ordinals: Ordinals) -> NDArray[np.float64]:
        low, high = self._spec.duration
        drawn = low + unit(key(self._seed, "duration", self._number), ordinals) * (high - low)
        rounded: NDArray[np.float64] = np.round(drawn * 100) / 100
        return rounded

    def _fates(self, ordinals: Ordinals) -> NDArray[np.int64]:
        shares = unit(key(self._seed, "fate", self._number), ordinals)
        place = np.searchsorted(self._bounds, shares, side="right")
        return np.where(place < len(self._bounds), place + 1, 0).astype(np.int64)

    def _end(self, fate: str) -> int:
        return self._starts[STAGES.index(fate)] if fate in STAGES else self._starts[-1]


def file_size(width: int, height: int, duration: float) -> int:
    return round(width * height * duration * _BYTES_PER_PIXEL_SECOND)


def written_content(content_key: str, spec: AssetSpec, seed: int) -> Content:
    """The content of a described video; the seed and the file name determine what the description leaves open.

    Raises ValueError for scenes that it cannot be cut at.
    """
    scenes = spec.scenes or THEMES[key(seed, "theme", spec.filename) % len(THEMES)].scenes
    check_scenes("scenes", scenes, spec.duration)
    duration = spec.duration
    if duration is None and scenes[0].seconds is not None:
        duration = sum(scene.seconds or 0.0 for scene in scenes)
    if duration is None:
        duration = len(scenes) * 6.0 + key(seed, "duration", spec.filename) % 100 / 50
    return Content(
        key=content_key,
        filename=spec.filename,
        duration=duration,
        fps=spec.fps,
        width=spec.width,
        height=spec.height,
        size=file_size(spec.width, spec.height, duration),
        scenes=scenes,
    )
