"""What a full cycle notes of an index and of its listing."""

from dataclasses import replace

from connector.domain.last_seen import listed
from connector.domain.ledger_model import IndexState


def test_a_listing_is_noted_with_its_time_and_the_digest_of_the_settings() -> None:
    state = IndexState(1.0, 2.0, index_name="news", watermark=3.0)
    assert listed(state, 4.0, "digest") == replace(state, listed_at=4.0, listed_with="digest")
