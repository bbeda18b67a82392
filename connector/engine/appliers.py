"""Makes the Applier of an index from what its ledger says: for the passes of this process, and for jobs of others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connector.domain.index_settings import IndexSettings
from connector.domain.source_model import Index
from connector.engine.apply import Applier
from connector.engine.owners import Ownership, owner_of
from connector.ports import CheckpointStore, Observer, Sink, Source


@dataclass(frozen=True, slots=True)
class Appliers:
    source: Source
    sink: Sink
    ledger: CheckpointStore
    clock: Callable[[], float]
    observe: Observer

    async def of_index(
        self, settings: IndexSettings, index: Index, first_cycle_at: float, names: Mapping[str, str]
    ) -> Applier:
        """`names` is that of `Applier`."""
        me = owner_of(await self.ledger.identity(), settings, index.model)
        home = settings.collection_name(index.model) if index.model else None
        return Applier(
            self.source,
            self.sink,
            self.ledger,
            clock=self.clock,
            settings=settings,
            index=index,
            first_cycle_at=first_cycle_at,
            names=names,
            ownership=Ownership(self.sink, self.ledger, settings, home, me, self.clock),
            observe=self.observe,
        )
