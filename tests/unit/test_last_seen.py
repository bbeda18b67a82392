"""What a full cycle notes of an index and of its listing."""

from dataclasses import replace

import pytest

from connector.domain.last_seen import listed, noted
from connector.domain.ledger_model import IndexState
from connector.domain.source_model import Index


def test_a_listing_is_noted_with_its_time_and_the_digest_of_the_settings() -> None:
    state = IndexState(1.0, 2.0, index_name="news", watermark=3.0)
    assert listed(state, 4.0, "digest") == replace(state, listed_at=4.0, listed_with="digest")


@pytest.mark.parametrize(
    ("expires_at", "told"), [("2026-05-01T00:00:00Z", 7), ("2026-06-01T00:00:00Z", None), (None, None)]
)
def test_a_new_time_of_expiry_is_announced_again(expires_at: str | None, told: int | None) -> None:
    before = IndexState(1.0, 2.0, index_name="news", expires_at="2026-05-01T00:00:00Z", expiry_announced=7)
    after = noted(before, Index("i", "news", None, expires_at=expires_at), 5.0)
    assert (after.expires_at, after.expiry_announced) == (expires_at, told)
