"""Points of indexes that nobody keeps current: no settings and no ledger have the index, and it has no other owner."""

from collections.abc import Collection

from connector.domain.holding import PAYLOAD_KEYS, Holdings, add_points
from connector.domain.sink_model import CollectionInfo
from connector.domain.verification import DriftFinding, Kind
from connector.engine.verifier import Verification
from connector.ports import CheckpointStore, Sink


async def uncovered(sink: Sink, ledger: CheckpointStore, configured: Collection[str]) -> list[Verification]:
    """One result for each such index, by id, in the collections with the connector's stamp.

    A repair leaves them: an index that is not configured may have its points for a reason.
    """
    covered, own_id = {*configured, *await ledger.known()}, (await ledger.identity()).ledger_id
    found = dict[str, list[DriftFinding]]()
    for info in await sink.collections():
        for index_id in await sink.indexes_in(info.name):
            if index_id not in covered and not _has_another_owner(info, index_id, own_id):
                found.setdefault(index_id, []).extend(await _findings(sink, info, index_id))
    return [
        Verification(index_id, points=sum(it.found for it in findings), findings=tuple(findings), covered=False)
        for index_id, findings in sorted(found.items())
        if findings
    ]


def _has_another_owner(info: CollectionInfo, index_id: str, own_id: str) -> bool:
    owner = info.owners.get(index_id)
    return owner is not None and owner.ledger_id != own_id


async def _findings(sink: Sink, info: CollectionInfo, index_id: str) -> list[DriftFinding]:
    holdings: Holdings = {}
    async for page in sink.payloads(info.name, index_id, PAYLOAD_KEYS):
        add_points(holdings, page, info.model)
    return [
        DriftFinding(name, Kind.ORPHANED_POINTS, info.name, 0, it.points, it.points)
        for name, it in sorted(holdings.items())
    ]
