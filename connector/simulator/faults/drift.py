"""The knob `page_drift`: the index changes while a client pages through it."""

from collections.abc import Sequence

from connector.simulator.api.listing import ListingPage
from connector.simulator.world import changes
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.records import Record
from connector.simulator.world.scenario import AssetSpec
from connector.simulator.world.world import World


def drift_after(world: World, state: SimulatedIndex, page: ListingPage, shown: Sequence[Record], total: int) -> None:
    """Change the index once per walk, after the first page if more follow, so that every walk ends."""
    if page.page != 1 or total <= page.limit or not shown:
        return
    if world.knobs.page_drift == "insert":
        changes.add(world, state, AssetSpec(filename=f"drift-{state.size}.mp4"))
    elif world.knobs.page_drift == "delete":
        state.remove(shown[0].ordinal)
