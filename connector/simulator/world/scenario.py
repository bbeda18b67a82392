"""The initial state of a simulator. The types also define the scenario file format (see scenarios/newsroom.toml)."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from connector.simulator.api.patterns import Pattern
from connector.simulator.world.clock import EARLIEST_MS, LATEST_MS, parse_ms
from connector.simulator.world.knobs import Knobs, Seconds, Share
from connector.simulator.world.scenes import LONGEST_SECONDS, Scene, check_scenes

Positive = Annotated[float, msgspec.Meta(gt=0.0, le=1e9)]
Duration = Annotated[float, msgspec.Meta(gt=0.0, le=LONGEST_SECONDS)]
Pixels = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
MetadataValue = str | int | float | bool | list[str]


class ScenarioError(ValueError):
    """The scenario is invalid; the message names the file, the key and the cause."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class AssetSpec(_Part, frozen=True, kw_only=True):
    """One described video. `status` is its final status; `ready_in` is in seconds from the start until it is indexed.

    `asset` names an underlying upload: the same name in several indexes means the same asset_id.
    Without scenes it gets a theme's; without duration the sum of its scenes' seconds, or a drawn one.
    """

    filename: str
    status: str = "ready"
    asset: str | None = None
    duration: Duration | None = None
    fps: Annotated[float, msgspec.Meta(ge=0.1, le=1000.0)] = 30.0
    width: Pixels = 1280
    height: Pixels = 720
    video_stream: bool = True
    ready_in: Positive | None = None
    metadata: dict[str, MetadataValue] = {}
    scenes: tuple[Scene, ...] = ()


class IndexSpec(_Part, frozen=True, kw_only=True):
    """An index: first the described `assets`, then `generate` generated ones, one every `created_every` seconds.

    `statuses` is the share of the generated assets that end in another status than ready, e.g. {failed = 0.02}.
    """

    name: str
    model: Literal["marengo3.0", "marengo2.7", "pegasus1.2"] = "marengo3.0"
    options: tuple[Literal["visual", "audio"], ...] = ("visual", "audio")
    generate: Count = 0
    duration: tuple[Duration, Duration] = (20.0, 180.0)
    created_every: Seconds = 60.0
    expires_at: str | None = None
    statuses: dict[str, Share] = {}
    assets: tuple[AssetSpec, ...] = ()


class ClockSpec(_Part, frozen=True, kw_only=True):
    """`start` is the simulated start time, or "now"; `rate` 0 stands still, 1 is real time, 60 is faster.

    Statuses progress, and webhooks are sent, as this clock moves. Without a rate it is real time for a server that
    people use (`serve`), and stands still in tests (`Simulator`, `run_in_thread`).
    """

    start: str = "2026-03-01T09:00:00Z"
    rate: Annotated[float, msgspec.Meta(ge=0.0, le=1e9)] | None = None


class Timings(_Part, frozen=True, kw_only=True):
    """Seconds that a new asset spends in each status before it is ready or failed."""

    pending: Seconds = 1.0
    queued: Seconds = 1.0
    validating: Seconds = 1.0
    indexing: Seconds = 5.0


class WebhookSpec(_Part, frozen=True, kw_only=True):
    """The receiver of signed index.task.* events."""

    url: str
    secret: str


class FaultSpec(_Part, frozen=True, kw_only=True):
    """A fault from the start, as by Control.inject; `match` is e.g. "GET /indexes/*/indexed-assets"."""

    match: str
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    body: Any = None
    headers: dict[str, str] = {}
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    probability: Share = 1.0
    cut_at: Share | None = None
    delay: Seconds = 0.0
    slow: Seconds = 0.0
    drop: bool = False


class Scenario(_Part, frozen=True, kw_only=True):
    """All inputs of the simulator: equal scenarios give byte-identical responses at equal simulated times."""

    seed: Annotated[int, msgspec.Meta(ge=0)] = 7
    clock: ClockSpec = ClockSpec()
    timings: Timings = Timings()
    knobs: Knobs = Knobs()
    indexes: tuple[IndexSpec, ...] = ()
    faults: tuple[FaultSpec, ...] = ()
    webhook: WebhookSpec | None = None

    @staticmethod
    def default(seed: int = 7, assets: int = 12, *, clock_rate: float | None = None) -> "Scenario":
        """Two indexes, marengo3.0 (512) with two thirds of the assets and marengo2.7 (1024) with the rest, all ready.

        The first ones are written (metadata of every value type, silent moments), the others generated.
        """
        base = Scenario.load(Path(__file__).with_name("scenarios") / "default.toml")
        shares = (assets - assets // 3, assets // 3)
        indexes = tuple(_sized(spec, share) for spec, share in zip(base.indexes, shares, strict=True))
        clock = ClockSpec(start=base.clock.start, rate=clock_rate)
        return msgspec.structs.replace(base, seed=seed, indexes=indexes, clock=clock)

    @staticmethod
    def load(path: Path | str) -> "Scenario":
        """Raises ScenarioError that names the file, the key and the cause."""
        try:
            raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ScenarioError(f"scenario {path}: cannot be read: {error}") from error
        try:
            scenario = msgspec.convert(raw, Scenario)
            scenario.check()
        except (msgspec.ValidationError, ValueError) as error:
            raise ScenarioError(f"scenario {path}: {error}; the format is shown in scenarios/newsroom.toml") from error
        return scenario

    def flowing(self) -> "Scenario":
        """The scenario, in real time unless it sets a rate."""
        rate = 1.0 if self.clock.rate is None else self.clock.rate
        return msgspec.structs.replace(self, clock=msgspec.structs.replace(self.clock, rate=rate))

    def with_seed(self, seed: int) -> "Scenario":
        return msgspec.structs.replace(self, seed=seed)

    def check(self) -> None:
        """Raises ValueError that names the key and the cause. Applies the rules of a file to values from Python too."""
        msgspec.convert(msgspec.to_builtins(self), Scenario)
        if self.clock.start != "now":
            _check_time("clock.start", self.clock.start)
        for number, spec in enumerate(self.indexes):
            _check_index(f"indexes[{number}]", spec)
        for fault in self.faults:
            Pattern.parse(fault.match)


def _sized(spec: IndexSpec, assets: int) -> IndexSpec:
    written = spec.assets[:assets]
    return msgspec.structs.replace(spec, assets=written, generate=assets - len(written))


def _check_time(key: str, text: str) -> None:
    try:
        moment = parse_ms(text)
    except ValueError as error:
        raise ValueError(f"{key} = {text!r} is not a time: write it like 2026-03-01T09:00:00Z ({error})") from error
    if not EARLIEST_MS <= moment <= LATEST_MS:
        raise ValueError(f"{key} = {text!r} is out of range: give a time from 1971 to 9998")


def _check_index(key: str, spec: IndexSpec) -> None:
    if spec.expires_at is not None:
        _check_time(f"{key}.expires_at", spec.expires_at)
    if spec.duration[0] > spec.duration[1]:
        raise ValueError(
            f"{key}.duration = {list(spec.duration)}: the first number is the shortest, the second the longest"
        )
    if sum(spec.statuses.values()) > 1.0 + 1e-9:
        raise ValueError(f"{key}.statuses: the shares add up to {sum(spec.statuses.values()):g}, at most 1 is possible")
    for number, asset in enumerate(spec.assets):
        check_scenes(f"{key}.assets[{number}].scenes", asset.scenes, asset.duration)
