"""What is done before a kill at every step: kinds of changes, at the source, in Qdrant and in the ledger's file."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qdrant_client import QdrantClient, models

from connector.simulator import Control
from tests.e2e.oracle import stored
from tests.overdue import make_refreshes_due

MODELS = ("marengo2.7", "marengo3.0")
COLLECTION = "twelvelabs-marengo3.0"
FOREIGN = str(uuid.UUID(int=1))
"""The id of a copy of a point, which is not the one that its payload computes to."""

Change = Callable[[Control, str], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """`ledger` is the ledger's file, which is changed only while no command runs."""

    control: Control
    client: QdrantClient
    ledger: Path

    @property
    def index_id(self) -> str:
        return self.control.index_ids[0]

    def of_listed(self) -> Counter[str]:
        """Points of each listed asset, in all collections."""
        held = Counter[str]()
        for collection in self.client.get_collections().collections:
            points = stored(self.client, collection.name, self.index_id)
            held.update(it["payload"]["indexed_asset_id"] for key, it in points.items() if key != FOREIGN)
        return Counter({name: held[name] for name in self.control.asset_ids(self.index_id)})


def nothing(_: Scene) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Kind:
    """`changes` are made before the run that is killed, then `circumstances`. `writes` must be among its last steps.

    `before_clean` is done before every clean run after the kill, and `clean_runs` of `clean` make everything right.
    """

    changes: Sequence[Change]
    writes: frozenset[str]
    command: Sequence[str] = ("sync",)
    clean: Sequence[str] = ("sync", "--json")
    clean_runs: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    noted_before: bool = False
    """A clean run sees the changes before the run that is killed, as the first of two that a delete needs."""
    circumstances: Callable[[Scene], None] = nothing
    before_clean: Callable[[Scene], None] = nothing
    at_end: Callable[[Scene], None] = nothing


def added(control: Control, index_id: str) -> None:
    control.add_asset(index_id, "added.mp4", duration=14.0)


def removed(control: Control, index_id: str) -> None:
    control.delete_asset(index_id, control.asset_ids(index_id)[0])


def newest_removed(control: Control, index_id: str) -> None:
    control.delete_asset(index_id, control.asset_ids(index_id)[-1])


def changed(control: Control, index_id: str) -> None:
    control.update_asset(index_id, control.asset_ids(index_id)[1], duration=19.0)


def shorter(control: Control, index_id: str) -> None:
    control.update_asset(index_id, control.asset_ids(index_id)[-1], duration=9.0)


def described(control: Control, index_id: str) -> None:
    """New metadata, the same vectors."""
    for asset_id in control.asset_ids(index_id)[:2]:
        control.patch_metadata(index_id, asset_id, {"seen at": control.now})


def changed_unseen(control: Control, index_id: str) -> None:
    """New metadata of two assets and new vectors of another one, which no listing shows."""
    control.set_knobs(patch_bumps_updated_at=False)
    described(control, index_id)
    control.set_knobs(patch_bumps_updated_at=True)
    control.reindex(index_id, control.asset_ids(index_id)[2], bump=False)


def moved(control: Control, index_id: str) -> None:
    """To the other model, and so to another collection."""
    old, new = sorted(MODELS, key=lambda model: model != control.index(index_id)["models"][0]["model_name"])
    assert old != new
    control.migrate(index_id, new)


def unchanged(_: Control, __: str) -> None:
    pass


def overdue(scene: Scene) -> None:
    make_refreshes_due(scene.ledger)


def damage(scene: Scene) -> None:
    """Delete points of two assets, change a payload of a third one, and copy a point of a fourth one."""
    points = stored(scene.client, COLLECTION, scene.index_id)
    by_asset: dict[str, list[str]] = {}
    for key, point in sorted(points.items()):
        by_asset.setdefault(point["payload"]["indexed_asset_id"], []).append(key)
    some, all_of, altered, copied = (by_asset[name] for name in sorted(by_asset)[:4])
    scene.client.delete(COLLECTION, [some[0], *all_of], wait=True)
    scene.client.set_payload(COLLECTION, {"filename": "other.mp4"}, [altered[0]], wait=True)
    template = points[copied[0]]
    copy = models.PointStruct(id=FOREIGN, vector=template["vectors"], payload={**template["payload"], "note": "mine"})
    scene.client.upsert(COLLECTION, [copy], wait=True)


def remove_the_copy(scene: Scene) -> None:
    """It must still be there, as it was made."""
    (copy,) = scene.client.retrieve(COLLECTION, [FOREIGN])
    assert copy.payload
    assert copy.payload["note"] == "mine"
    scene.client.delete(COLLECTION, [FOREIGN], wait=True)


UPSERT, DELETE, SET = (f"/qdrant.Points/{it}" for it in ("Upsert", "Delete", "SetPayload"))
KINDS = {
    "assets": Kind((added, changed, removed), frozenset({UPSERT, DELETE})),
    "metadata": Kind((described,), frozenset({SET})),
    "model": Kind((moved,), frozenset({UPSERT, DELETE})),
    "grace begins": Kind(
        (removed, changed), frozenset({UPSERT, DELETE}), clean_runs=2, settings={"CONNECTOR_DELETE_GRACE": "0.001"}
    ),
    "grace ends": Kind(
        (removed, newest_removed),
        frozenset({DELETE}),
        clean_runs=2,
        settings={"CONNECTOR_DELETE_GRACE": "0.001"},
        noted_before=True,
    ),
    "refresh": Kind(
        (changed_unseen,),
        frozenset({UPSERT, SET}),
        circumstances=overdue,
        before_clean=overdue,
    ),
    "verify": Kind(
        (unchanged,),
        frozenset({UPSERT}),
        command=("verify", "--repair", "--json"),
        clean=("verify", "--repair", "--json"),
        circumstances=damage,
        at_end=remove_the_copy,
    ),
}
IN_EVERY_RUN = ("assets",)
"""The others take minutes."""
WHILE_DOWN: Sequence[Change] = (unchanged, newest_removed, changed, shorter, removed, described)
