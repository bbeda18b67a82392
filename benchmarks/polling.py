"""An unchanged index of 100,000 assets on the simulator: a poll compared with a full listing."""

import asyncio
import time

from connector.simulator import IndexSpec, Scenario, run_in_thread
from connector.twelvelabs import ApiTransport, TwelveLabsSource

ASSETS = 100_000


async def measure(base_url: str, index_id: str) -> None:
    source = TwelveLabsSource(ApiTransport(base_url, "benchmark"))
    index = await source.index(index_id)
    before, started = source.requests(), time.perf_counter()
    snapshot = await source.snapshot(index)
    full, full_requests = time.perf_counter() - started, source.requests() - before
    assert len(snapshot.assets) == ASSETS
    before, started = source.requests(), time.perf_counter()
    await source.changes(index, snapshot.as_of)
    poll, poll_requests = time.perf_counter() - started, source.requests() - before
    print(f"  {poll_requests} requests against {full_requests}; {full / poll:,.0f} times as fast")
    await source.close()


def main() -> None:
    with run_in_thread(Scenario(indexes=(IndexSpec(name="large", generate=ASSETS),))) as simulator:
        asyncio.run(measure(simulator.base_url, simulator.control.index_ids[0]))
