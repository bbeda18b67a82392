"""100,000 assets: generated on demand, listed completely with constant memory, all pages equally fast."""

import os
import signal
import subprocess
import sys
from typing import Any

import httpx
import pytest
from starlette.datastructures import QueryParams

from connector.simulator.api.listing import ListingPage, asset_page
from connector.simulator.world.world import World
from tests.simulator.access import access, one_index

ASSETS = 100_000
PAGES = ASSETS // 50
MEGABYTE_IN_KB = 1024 if sys.platform != "darwin" else 1024 * 1024
SERVER = f"""
import asyncio
from connector.simulator import IndexSpec, Scenario, serve

scenario = Scenario(indexes=(IndexSpec(name="large", generate={ASSETS}),))
ready = lambda simulator: print(simulator.base_url, *simulator.control.index_ids, flush=True)
asyncio.run(serve(scenario, host="127.0.0.1", port=0, api_key=None, ready=ready))
"""


def walk(pages: int, option: str) -> tuple[list[str], list[str], int]:
    """Ids and created_at of this many pages, and the peak memory of a server that served only them."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        base_url, index = process.stdout.readline().split()
        ids, stamps = pages_of(f"{base_url}/indexes/{index}/indexed-assets", pages, option)
    finally:
        process.stdout.close()
        process.send_signal(signal.SIGTERM)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return ids, stamps, usage.ru_maxrss


def pages_of(url: str, pages: int, option: str) -> tuple[list[str], list[str]]:
    ids: list[str] = []
    stamps: list[str] = []
    with httpx.Client(headers={"x-api-key": "k"}, trust_env=False) as http:
        for page in range(1, pages + 1):
            query: dict[str, Any] = {"page": page, "page_limit": 50, "sort_option": option}
            data = http.get(url, params=query).json()["data"]
            ids += [item["_id"] for item in data]
            stamps += [item["created_at"] for item in data]
    return ids, stamps


@pytest.mark.soak
def test_a_hundred_thousand_assets_end_to_end() -> None:
    """Over a socket, from another process: every id once, in order, a few megabytes more than for one page."""
    _, _, one_page = walk(1, "asc")
    ids, stamps, peak = walk(PAGES, "asc")

    assert len(set(ids)) == len(ids) == ASSETS
    assert stamps == sorted(stamps)
    assert peak - one_page < 24 * MEGABYTE_IN_KB


@pytest.mark.parametrize("option", ["asc", "desc"])
def test_the_last_page_costs_what_the_first_does(option: str) -> None:
    """Measured in function calls, also after deletions in several places."""
    world = World(one_index(generate=ASSETS), timer=lambda: 0.0, wall=lambda: 0.0)
    state = world.indexes[0]
    for ordinal in range(100, ASSETS, 997):
        state.remove(ordinal)

    def calls(page: int) -> int:
        made = 0

        def count(*_: object) -> None:
            nonlocal made
            made += 1

        sys.setprofile(count)
        try:
            query = QueryParams(sort_option=option)
            records, _ = asset_page(world, state, query, ListingPage(page, 50), only_ready=False, request=1)
        finally:
            sys.setprofile(None)
        assert len(records) == 50
        return made

    calls(1)
    assert calls(PAGES - 3) <= calls(1) * 1.2


def test_polling_a_large_index_shows_what_is_new() -> None:
    """Time filters find the few matching assets, also after changes to any of them."""
    with access(one_index(generate=ASSETS)) as api:
        index = api.control.index_ids[0]
        api.control.advance(60)
        since = api.control.now
        assert api.listing(index, updated_at=since)["page_info"]["total_results"] == 0

        changed = api.ids(index, page=1234)[0]
        api.control.patch_metadata(index, changed, {"a": 1})
        added = api.control.add_asset(index, "new.mp4")
        assert api.ids(index, updated_at=since, sort_by="updated_at") == [added, changed]
        assert api.ids(index, created_at=since) == [added]
        assert api.listing(index)["page_info"]["total_results"] == ASSETS + 1
