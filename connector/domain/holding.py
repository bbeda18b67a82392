"""What the stored points of an asset say of themselves, added up while they are read page by page.

A holding has a fixed size: verifying a million points keeps one for each asset, and no point.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.domain.payload_profile import DERIVED_KEYS, SOURCE_KEYS, PayloadProfile, derived_keys
from connector.domain.points import METADATA_KEYS, computed_metadata_revision

PAYLOAD_KEYS = (
    *METADATA_KEYS,
    "metadata_revision",
    "revision",
    "fingerprint",
    "asset_points",
    "segment",
    "embedding_options",
)
"""The payload keys that a holding is made of, besides ID_KEYS."""


def payload_keys(payload_profile: PayloadProfile) -> tuple[str, ...]:
    """With a profile, its derived keys are compared too. Without one, such keys may be those of another program."""
    return PAYLOAD_KEYS if payload_profile == "none" else (*PAYLOAD_KEYS, *SOURCE_KEYS, *DERIVED_KEYS)


@dataclass(slots=True)
class Counted:
    """How often each value occurs. Almost always there is only one, which needs no dict."""

    first: Any = None
    times: int = 0
    others: dict[Any, int] | None = None

    def add(self, value: Any) -> None:
        if not self.times:
            self.first = value
        if value == self.first:
            self.times += 1
            return
        if self.others is None:
            self.others = {}
        self.others[value] = self.others.get(value, 0) + 1

    def __getitem__(self, value: Any) -> int:
        if self.times and value == self.first:
            return self.times
        return (self.others or {}).get(value, 0)

    def items(self) -> list[tuple[Any, int]]:
        return [*([(self.first, self.times)] if self.times else []), *(self.others or {}).items()]


@dataclass(slots=True)
class Holding:
    """The points of one asset in one collection. `other_model` of them are of another model than the collection."""

    points: int = 0
    other_model: int = 0
    revisions: Counted = field(default_factory=Counted)
    metadata_revisions: Counted = field(default_factory=Counted)
    """Key `""` counts points whose payload does not compute to the metadata revision that it states."""
    claims: Counted = field(default_factory=Counted)
    """Counts points by (fingerprint, asset_points), as far as their types are right."""
    unusable_options: int = 0
    """Number of points whose `embedding_options` is empty or not a list of strings."""
    scopes: Counted = field(default_factory=Counted)
    ordinals: int = 0
    """Sum of the hashes of (scope, segment): the same for the same places, in any order."""

    def add(self, payload: Mapping[str, Any], model: str | None) -> None:
        """Add an own point. `model` is that of the collection, None if it is not known."""
        self.points += 1
        if model is not None and payload.get("embedding_model") != model:
            self.other_model += 1
            return
        self.revisions.add(_text(payload.get("revision")))
        self.metadata_revisions.add(_stated_metadata(payload))
        self.claims.add((_text(payload.get("fingerprint")), _number(payload.get("asset_points"))))
        self.unusable_options += not _are_options(payload.get("embedding_options"))
        scope = payload["embedding_scope"]
        self.scopes.add(scope)
        self.ordinals += hash((scope, _number(payload.get("segment"))))

    @property
    def of_model(self) -> int:
        return self.points - self.other_model

    @property
    def has_every_place(self) -> bool:
        """True if the points of each scope are numbered 0, 1, 2 … without a gap or a duplicate."""
        return self.ordinals == sum(hash((scope, it)) for scope, times in self.scopes.items() for it in range(times))

    def altered(self, metadata_revision: str | None, points: int | None) -> int:
        """Number of points whose payload is not as it was written.

        `metadata_revision` (None: the same in all points) and `points` are what the payloads should state. Without
        `points`, because their number is wrong, only what each point says of itself counts.
        """
        if points is None:
            return max(self.metadata_revisions[""], self.unusable_options)
        wanted = metadata_revision or self.metadata_revisions.first
        wrong_metadata = self.of_model - (self.metadata_revisions[wanted] if wanted else 0)
        right = max((times for (print_, count), times in self.claims.items() if print_ and count == points), default=0)
        return max(wrong_metadata, self.of_model - right, self.unusable_options, int(not self.has_every_place))


Holdings = dict[str, Holding]
"""By indexed asset id."""


def add_points(holdings: Holdings, payloads: Iterable[Mapping[str, Any]], model: str | None) -> None:
    """Add a page of own points of one collection, whose model this is."""
    for payload in payloads:
        name = payload["indexed_asset_id"]
        holding = holdings.get(name)
        if holding is None:
            holding = holdings[name] = Holding()
        holding.add(payload, model)


def _stated_metadata(payload: Mapping[str, Any]) -> str:
    stated = _text(payload.get("metadata_revision"))
    profile: PayloadProfile = "frameworks" if "metadata" in payload else "none"
    if not stated or computed_metadata_revision(payload, profile) != stated:
        return ""
    return stated if derived_keys(profile, payload).items() <= payload.items() else ""


def _are_options(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(option, str) for option in value)


def _text(value: object) -> str:
    """A value of another type counts as empty, because anybody can change a payload."""
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
