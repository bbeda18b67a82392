"""Whether a webhook is genuine: the vendor's scheme, its tolerance, and forged headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.web.signatures import TOLERANCE_SEC, is_genuine, signature

SECRET, AT, BODY = "whsec_test", 1_659_342_128, b'{"name":"test"}'
V1 = "73e063bb99349a2a6f9b10ec272475f5fe6ab14b105a5212c68a759e073c04d0"
HEADER = f"t={AT},v1={V1}"


def signed(timestamp: str, body: bytes = BODY, secret: str = SECRET) -> str:
    return f"t={timestamp},v1={signature(secret, timestamp, body)}"


def test_the_test_vector() -> None:
    """Computed by hand from the vendor's description of the scheme."""
    assert signature(SECRET, str(AT), BODY) == V1
    assert is_genuine(HEADER, BODY, SECRET, AT)


@pytest.mark.parametrize(
    "header",
    [
        f"v1={V1},t={AT}",
        f" t={AT} , v1={V1} ",
        f"v0=old,t={AT},v1={V1},v2=new",
        f"t={AT},v1={V1},",
        f"t={AT},v1={V1},==",
    ],
)
def test_the_order_of_the_parts_and_further_parts_do_not_matter(header: str) -> None:
    assert is_genuine(header, BODY, SECRET, AT)


@pytest.mark.parametrize(
    ("late", "genuine"),
    [
        (0.0, True),
        (TOLERANCE_SEC, True),
        (-TOLERANCE_SEC, True),
        (TOLERANCE_SEC + 0.5, False),
        (-TOLERANCE_SEC - 0.5, False),
        (86_400.0, False),
    ],
)
def test_a_signature_holds_for_five_minutes_either_way(late: float, genuine: bool) -> None:
    """The sender's clock may be ahead of ours."""
    assert is_genuine(HEADER, BODY, SECRET, AT + late) is genuine


@pytest.mark.parametrize(
    ("header", "body", "secret"),
    [
        (HEADER, BODY, "whsec_other"),
        (HEADER, BODY + b" ", SECRET),
        (HEADER, b"", SECRET),
        (f"t={AT + 1},v1={V1}", BODY, SECRET),
        (f"t={AT},v1={V1[:-1]}", BODY, SECRET),
        (f"t={AT},v1={V1}0", BODY, SECRET),
        (f"t={AT},v1={'0' * 64}", BODY, SECRET),
        (f"t={AT},v0={V1}", BODY, SECRET),
    ],
)
def test_another_secret_body_or_time_is_not_genuine(header: str, body: bytes, secret: str) -> None:
    assert not is_genuine(header, body, secret, AT)


@pytest.mark.parametrize(
    "header",
    ["", "t", "=", ",", "t=,v1=", f"v1={V1}", f"t={AT}", f"t={AT};v1={V1}", f"t:{AT},v1:{V1}", f"t={AT},v1=ärger"],
)
def test_a_header_without_both_parts_is_not_genuine(header: str) -> None:
    assert not is_genuine(header, BODY, SECRET, AT)


@pytest.mark.parametrize(
    "timestamp",
    ["", "now", "-1659342128", "+1659342128", "1659342128.0", "1_659_342_128", "16593421٢٨", "²", "9" * 5000, "1e9"],
)
def test_a_time_that_is_no_count_of_seconds_is_not_genuine(timestamp: str) -> None:
    """Even if it was signed."""
    assert not is_genuine(signed(timestamp), BODY, SECRET, AT)


def test_the_last_of_two_times_is_the_one_that_was_signed() -> None:
    """A new time before the signed one does not make an old header valid."""
    assert not is_genuine(f"t={AT + 9999},{HEADER}", BODY, SECRET, AT + 9999)


@given(st.text(), st.binary())
def test_no_header_breaks_it(header: str, body: bytes) -> None:
    assert not is_genuine(header, body, SECRET, AT)


@given(st.binary(max_size=200), st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_what_is_signed_with_the_secret_is_genuine(body: bytes, secret: str) -> None:
    header = signed(str(AT), body, secret)

    assert is_genuine(header, body, secret, AT)
    assert not is_genuine(header, body, f"{secret}x", AT)
