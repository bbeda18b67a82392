"""One index: its generated population, plus the changed, added and deleted assets."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from connector.simulator.world.draws import Ordinals
from connector.simulator.world.models import MODELS, EmbeddingModel
from connector.simulator.world.population import Millis, Population
from connector.simulator.world.records import Record, Status, status_at
from connector.simulator.world.scenario import IndexSpec


class SimulatedIndex:
    """Ordinals ascend with created_at, so the n-th asset is found without reading the others.

    `version` counts the changes of assets.
    """

    def __init__(self, number: int, index_id: str, spec: IndexSpec, population: Population, created_ms: int) -> None:
        self.number = number
        self.id = index_id
        self.name = spec.name
        self.model: EmbeddingModel = MODELS[spec.model]
        self.model_options: tuple[str, ...] = spec.options
        self.addons: tuple[str, ...] = ("thumbnail",)
        self.created_ms = created_ms
        self.updated_ms = created_ms
        self.expires_ms: int | None = None
        self.reindexed_ms = created_ms
        self.deleted = False
        self.size = population.size
        self.version = 0
        self._population = population
        self._changed: dict[int, Record] = {}
        self._removed: list[int] = []
        for record in population.written():
            self._changed[record.ordinal] = record

    def alive(self, now_ms: int) -> bool:
        return not self.deleted and (self.expires_ms is None or now_ms < self.expires_ms)

    def count(self) -> int:
        return self.size - len(self._removed)

    def has(self, ordinal: int) -> bool:
        place = bisect_left(self._removed, ordinal)
        return ordinal < self.size and (place == len(self._removed) or self._removed[place] != ordinal)

    def record(self, ordinal: int) -> Record:
        """Also works for a removed asset, because its uploaded asset still exists."""
        return self.records([ordinal])[0]

    def records(self, ordinals: Sequence[int]) -> list[Record]:
        fresh = [ordinal for ordinal in ordinals if ordinal not in self._changed]
        generated = {record.ordinal: record for record in self._population.records(fresh)}
        return [self._changed.get(ordinal) or generated[ordinal] for ordinal in ordinals]

    def put(self, record: Record) -> None:
        self._changed[record.ordinal] = record
        self.version += 1
        self.size = max(self.size, record.ordinal + 1)

    def change(self, ordinal: int, **changes: object) -> Record:
        record = replace(self.record(ordinal), **changes)  # type: ignore[arg-type]  # names are the fields of Record
        self.put(record)
        return record

    def remove(self, ordinal: int) -> None:
        insort(self._removed, ordinal)
        self.version += 1

    def changed(self) -> list[Record]:
        return [record for record in self._changed.values() if self.has(record.ordinal)]

    def living_records(self) -> list[Record]:
        """All existing assets, ascending by ordinal."""
        return self.records(self._living().tolist())

    def nth(self, place: int) -> int:
        """The ordinal of the place-th existing asset in creation order, in O(log removed squared)."""
        low, high = place, place + len(self._removed)
        while low < high:
            middle = (low + high) // 2
            if middle + 1 - bisect_left(self._removed, middle + 1) > place:
                high = middle
            else:
                low = middle + 1
        return low

    def own_uploads(self) -> tuple[Ordinals, Millis]:
        """Ordinals and creation times of the assets uploaded for this index, including removed ones."""
        shared = [ordinal for ordinal, record in self._changed.items() if record.asset_id is not None]
        ordinals = np.delete(np.arange(self.size, dtype=np.int64), shared)
        created = self._population.columns(ordinals).created_ms
        for ordinal, record in self._changed.items():
            created[ordinals == ordinal] = record.created_ms
        return ordinals, created

    def status(self, record: Record, now_ms: int, starts: tuple[int, ...]) -> Status:
        status = status_at(record, now_ms, starts)
        if status.updated_ms >= self.reindexed_ms:
            return status
        indexed = None if status.indexed_ms is None else self.reindexed_ms
        return Status(status.name, self.reindexed_ms, indexed)

    def table(self, now_ms: int, starts: tuple[int, ...]) -> "Table":
        """The table of all existing assets, built by numpy; only changed assets are read one by one."""
        ordinals = self._living()
        base = self._population.columns(ordinals)
        names = list(self._population.fates)
        table = Table(ordinals, base.created_ms, base.updated_ms, base.duration, base.fate, names)
        for record in self.changed():
            table.overwrite(record, now_ms, starts)
        np.maximum(table.updated_ms, self.reindexed_ms, out=table.updated_ms)
        return table

    def _living(self) -> Ordinals:
        ordinals = np.arange(self.size, dtype=np.int64)
        return np.delete(ordinals, self._removed) if self._removed else ordinals


class Table:
    """Columns of all existing assets, ascending by ordinal; `status` indexes into `names`."""

    def __init__(
        self,
        ordinals: Ordinals,
        created_ms: Millis,
        updated_ms: Millis,
        duration: NDArray[np.float64],
        status: NDArray[np.int64],
        names: list[str],
    ) -> None:
        self.ordinals = ordinals
        self.created_ms = created_ms
        self.updated_ms = updated_ms
        self.patched_ms = np.full(len(ordinals), np.iinfo(np.int64).min, dtype=np.int64)
        self.duration = duration
        self.status = status
        self.names = names

    def overwrite(self, record: Record, now_ms: int, starts: tuple[int, ...]) -> None:
        row = int(np.searchsorted(self.ordinals, record.ordinal))
        status = status_at(record, now_ms, starts)
        if status.name not in self.names:
            self.names.append(status.name)
        self.created_ms[row] = record.created_ms
        self.updated_ms[row] = status.updated_ms
        self.patched_ms[row] = record.patched_ms
        self.duration[row] = record.content.duration
        self.status[row] = self.names.index(status.name)
