"""Work on many rows leaves the event loop, and full garbage collections wait for its end."""

import gc
import threading

import pytest

from connector.engine.large_indexes import FullCollections, computed


@pytest.mark.parametrize(("rows", "is_here"), [(10, True), (100_000, False)])
async def test_only_many_rows_need_a_thread(rows: int, *, is_here: bool) -> None:
    thread = await computed(rows, threading.get_ident)
    assert (thread == threading.get_ident()) == is_here


async def test_what_a_computation_raises_arrives() -> None:
    with pytest.raises(ValueError, match="three"):
        await computed(100_000, int, "three")


def test_full_collections_wait_for_the_last_block() -> None:
    before, collections = gc.get_threshold(), FullCollections()
    with collections.put_off():
        with collections.put_off():
            during = gc.get_threshold()
        after_one = gc.get_threshold()
    assert (during[:2], after_one) == (before[:2], during)
    assert during[2] > 100 * before[2]
    assert gc.get_threshold() == before


@pytest.mark.parametrize(("rows", "grows"), [(10, False), (100_000, True)])
def test_only_many_rows_are_left_out_of_collections(rows: int, *, grows: bool) -> None:
    gc.unfreeze()
    FullCollections().leave_out(rows)
    frozen = gc.get_freeze_count()
    gc.unfreeze()
    assert (frozen > 0) == grows
