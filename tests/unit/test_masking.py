"""No secret passes, however it is written; nothing else is changed."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.errors import ConfigError, Unavailable
from connector.domain.masking import MASK, SHORTEST, hide, masked, secrets_of_url

SECRETS = ["plain-key-000001", "with'quote\"and\\slash", "per%cent/and+plus=", "line\nbreak-inside", "späce und ümlaut"]
WRITTEN: dict[str, Callable[[str], str]] = {
    "raw": lambda text: text,
    "repr": repr,
    "bytes": lambda text: repr(text.encode()),
    "ascii": ascii,
    "json": json.dumps,
    "json of repr": lambda text: json.dumps(repr(text)),
    "json of bytes": lambda text: json.dumps({"event": f"Illegal header value {text.encode()!r}"}),
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: quote(text, safe="").replace("%2F", "%2f").replace("%3D", "%3d"),
    "query": quote_plus,
    "upper case": str.upper,
}


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_however_it_is_written(secret: str, how: str) -> None:
    hide(SECRETS)

    shown = masked(f"before {WRITTEN[how](secret)} after")

    assert MASK in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert [part for part in (secret[:6], secret[-6:]) if part in shown] == []


def test_a_secret_within_another_leaves_nothing_of_that_one() -> None:
    hide(["inner-secret", "outer-inner-secret-outer"])

    assert masked("<outer-inner-secret-outer> <inner-secret>") == f"<{MASK}> <{MASK}>"


@pytest.mark.parametrize("secret", ["", " ", "key", "x" * (SHORTEST - 1)])
def test_what_is_short_would_garble_messages_and_is_left(secret: str) -> None:
    hide([secret])

    assert masked(f"the monkey has {secret}") == f"the monkey has {secret}"


@given(st.text())
def test_other_text_is_left_alone(text: str) -> None:
    hide(SECRETS)

    assert masked(text) == text


def test_white_space_around_it_is_no_part_of_a_secret() -> None:
    hide(["\n a-padded-secret \r\n"])

    assert masked("Illegal header value b'a-padded-secret\\n'") == f"Illegal header value b'{MASK}\\n'"


@pytest.mark.parametrize(
    "url", ["http://me:p%40ss-word-1@proxy:3128", "//me:p%40ss-word-1@h/x", "http://me:p@ss-word-1@h"]
)
def test_an_address_holds_its_password_as_written_decoded_and_as_it_is_sent(url: str) -> None:
    hide(secrets_of_url(url))

    for text in ("p@ss-word-1", "me:p@ss-word-1", base64.b64encode(b"me:p@ss-word-1").decode(), url):
        assert "ss-word-1" not in masked(f"proxy says {text}!")
        assert MASK in masked(f"proxy says {text}!")


@pytest.mark.parametrize("url", ["http://host:6333", "embedded", "", "me@host"])
def test_an_address_without_a_name_has_no_secret(url: str) -> None:
    assert secrets_of_url(url) == set()


@pytest.mark.parametrize("part", range(4))
def test_an_error_is_masked_as_it_is_made(part: int) -> None:
    hide(["the-key-of-an-error"])
    words = ["do", "this", "because", "hint"]
    words[part] = "it was 'the-key-of-an-error'"

    for error in (ConfigError(*words), Unavailable(*words, side="sink")):
        assert "the-key-of-an-error" not in f"{error} {error!r} {error.args} {vars(error)}"
        assert MASK in str(error)
