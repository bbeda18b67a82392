"""Links of moments."""

from typing import Any

import pytest

from connector.domain.errors import ConfigError
from connector.search.moment_links import link_maker

PLACE = {
    "index_id": "index/1",
    "indexed_asset_id": "asset-1",
    "asset_id": None,
    "filename": "a b.mp4",
    "start_sec": 12.5,
    "end_sec": 18.0,
}


def test_links_lead_to_the_status_page() -> None:
    assert link_maker("", None)(PLACE) == "/indexes/index%252F1/assets/asset-1?from=12.5&to=18#moment"
    assert link_maker("https://example.com/", None)(PLACE) == (
        "https://example.com/indexes/index%252F1/assets/asset-1?from=12.5&to=18#moment"
    )


def test_an_id_that_is_too_long_for_an_address_has_no_link() -> None:
    assert link_maker("https://example.com", None)({**PLACE, "index_id": "x" * 9000}) is None


def test_a_template_encodes_ids_and_formats_times() -> None:
    link = link_maker("https://example.com", "/watch/{index_id}/{filename}?t={start_sec}-{end_sec}&a={asset_id}")

    assert link(PLACE) == "https://example.com/watch/index%2F1/a%20b.mp4?t=12.5-18&a="
    assert link_maker("", "#t={start_sec:.0f}")(PLACE) == "#t=12"


@pytest.mark.parametrize(
    "template", ["{video}", "{}", "{index_id.__class__}", "{index_id[0]}", "{index_id", "{end_sec:q}", 3]
)
def test_a_template_that_cannot_work_is_refused_at_once(template: Any) -> None:
    with pytest.raises(ConfigError, match="Use placeholders of index_id, indexed_asset_id"):
        link_maker("", template)
