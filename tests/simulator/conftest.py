"""One simulator of the default scenario per test."""

from collections.abc import Iterator

import pytest

from tests.simulator.access import Access, access


@pytest.fixture
def api() -> Iterator[Access]:
    """The default scenario: marengo3.0 with 8 assets, marengo2.7 with 4."""
    with access() as opened:
        yield opened


@pytest.fixture
def index(api: Access) -> str:
    return api.control.index_ids[0]
