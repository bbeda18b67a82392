"""Helpers for the tests of odd input."""

from tests.simulator.access import Access

DEEP, DEEP_OBJECT = b"[" * 50_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000
MISSING = "f" * 24
BODIES: dict[str, bytes] = {
    "deep list": DEEP,
    "deep object": DEEP_OBJECT,
    "deep but complete": b'{"user_metadata": ' + b'{"a":' * 500 + b"1" + b"}" * 501,
    "empty": b"",
    "cut": b'{"index_name": "x',
    "list": b"[]",
    "null": b"null",
    "number": b"1e400",
    "not a number": b'{"user_metadata": {"a": NaN}}',
    "lone surrogate": rb'{"index_name": "\ud800", "asset_id": "\udfff", "user_metadata": {"\ud800": "\ud800"}}',
    "not UTF-8": b'{"index_name": "\xff\xfe", "model_name": "\xed\xa0\x80"}',
    "huge integer": b'{"user_metadata": {"a": ' + b"9" * 5_000 + b"}}",
}


def alive(api: Access) -> None:
    """Everything that a client or an operator can request still works."""
    index = next(it for it in api.control.index_ids if api.control.asset_ids(it))
    listed = api.listing(index, sort_by="updated_at", created_at="2026-01-01T00:00:00Z")["data"]
    assert listed
    asset = listed[0]["_id"]
    assert api.retrieved(index, asset, embedding_option=["visual", "audio"], transcription="true")
    assert api.get("/indexes")["data"]
    assert api.http.get(f"{api.simulator.control_url}/state").status_code == 200
