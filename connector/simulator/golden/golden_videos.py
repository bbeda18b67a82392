"""The videos of the golden set: what is seen, heard and said in each moment, drawn from the vocabulary by the seed."""

from dataclasses import dataclass

import numpy as np

from connector.simulator.golden.vocabulary import CLAIMED, FAMILIES, HEARD, SEEN, Words
from connector.simulator.world.draws import generator
from connector.simulator.world.proper_names import PROPER_NAMES
from connector.simulator.world.scenario import AssetSpec
from connector.simulator.world.scenes import Scene

SCENES = 10
_SILENT, _RECORDED = 0.25, 0.35
"""The share of moments in which nothing is said, and in which a name and a number are."""
_SHELVES = ("north", "east", "south", "west")


@dataclass(frozen=True, slots=True)
class Entry:
    """A name and a number that are said; `family` says what they belong to."""

    family: str
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class GoldenMoment:
    """`claimed` and `entry` are what is said: one of them, or nothing."""

    video: int
    scene: int
    seconds: float
    seen: Words
    heard: Words
    claimed: Words = ()
    entry: Entry | None = None

    @property
    def speech(self) -> str:
        if self.entry is not None:
            return f"{self.entry.name} has the {self.entry.family} with the number {self.entry.number}"
        if self.claimed:
            who, does, what = self.claimed
            return f"they say that the {who} did {does} the {what}"
        return ""

    def as_scene(self) -> Scene:
        (who, does, where), (source, manner, room) = self.seen, self.heard
        return Scene(
            visual=f"the {who} who did {does} in the {where}",
            audio=f"a {manner} {source} from the {room}",
            speech=self.speech,
            seconds=self.seconds,
        )


def golden_moments(seed: int, videos: int) -> list[GoldenMoment]:
    """In the order of videos and time."""
    random = generator("golden moments", seed)
    kinds = random.uniform(size=videos * SCENES)
    entries = iter(_entries(random, int((kinds < _RECORDED).sum())))
    found = []
    for place, kind in enumerate(kinds.tolist()):
        recorded, silent = kind < _RECORDED, kind >= 1 - _SILENT
        found.append(
            GoldenMoment(
                video=place // SCENES,
                scene=place % SCENES,
                seconds=float(random.integers(8, 20)) / 2,
                seen=_one_of_each(random, SEEN),
                heard=_one_of_each(random, HEARD),
                claimed=() if recorded or silent else _one_of_each(random, CLAIMED),
                entry=next(entries) if recorded else None,
            )
        )
    return found


def golden_assets(moments: list[GoldenMoment]) -> tuple[AssetSpec, ...]:
    by_video: dict[int, list[GoldenMoment]] = {}
    for moment in moments:
        by_video.setdefault(moment.video, []).append(moment)
    return tuple(
        AssetSpec(
            filename=f"reel-{video:04d}.mp4",
            metadata={"reel": video, "shelf": _SHELVES[video % len(_SHELVES)]},
            scenes=tuple(moment.as_scene() for moment in scenes),
        )
        for video, scenes in by_video.items()
    )


def _entries(random: np.random.Generator, count: int) -> list[Entry]:
    """Each number once in all, each name once per family, as long as there are names. In random order."""
    numbers = random.choice(90_000, size=count, replace=False) + 10_000
    names = sorted(PROPER_NAMES)
    rounds = [random.permutation(len(names)) for _ in FAMILIES]
    found = [
        Entry(
            family=FAMILIES[nth % len(FAMILIES)],
            name=names[rounds[nth % len(FAMILIES)][nth // len(FAMILIES) % len(names)]],
            number=str(number),
        )
        for nth, number in enumerate(numbers.tolist())
    ]
    return [found[place] for place in random.permutation(count)]


def _one_of_each(random: np.random.Generator, columns: tuple[Words, ...]) -> Words:
    return tuple(column[random.integers(len(column))] for column in columns)
