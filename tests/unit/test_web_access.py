"""Which hosts a request may name, and which addresses are loopback."""

import pytest

from connector.web.access import host_name, is_loopback


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("127.0.0.1:8080", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("LocalHost:8080", "localhost"),
        ("localhost.:8080", "localhost"),
        ("localhost.", "localhost"),
        ("[::1]:8080", "::1"),
        ("[::1]", "::1"),
        ("evil.example:80", "evil.example"),
        ("", ""),
        ("[::1]evil.example", ""),
        ("[::1]:evil", ""),
        ("localhost:evil.example", ""),
        ("localhost:80:80", ""),
        ("[]", ""),
    ],
)
def test_the_name_of_a_host_header(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    "host", ["localhost", "daemon.localhost", "127.0.0.1", "127.8.9.10", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "0.0.0.0",  # noqa: S104  a value like another
        "10.0.0.1",
        "::",
        "::ffff:10.0.0.1",
        "0x7f000001",
        "2130706433",
    ],
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)
