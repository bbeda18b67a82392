"""The address of a proxy is shown without what may be a password."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.network_variables import network_mistake, verification, without_credentials


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        ("proxy", "proxy"),
        ("http://[::1]:3128/", "http://[::1]:3128/"),
        ("http://user:word@proxy:3128", "http://[secret]@proxy:3128"),
        ("user:w@rd@proxy:3128", "[secret]@proxy:3128"),
        ("http://user:word", "http://user:[secret]"),
        ("user:word/x", "user:[secret]/x"),
        ("http://proxy:3128?key=word", "http://proxy:3128"),
        ("http://proxy#word", "http://proxy"),
        ("", ""),
    ],
)
def test_what_is_shown(address: str, shown: str) -> None:
    assert without_credentials(address) == shown


@given(st.text(st.characters(exclude_characters="@"), min_size=1), st.text(min_size=1))
def test_no_password_is_shown(user: str, password: str) -> None:
    assert without_credentials(f"http://{user}:<{password}>@proxy:1") == "http://[secret]@proxy:1"


def test_the_file_that_the_error_names_is_blamed() -> None:
    environment = {"SSL_CERT_FILE": "/good", "SSLKEYLOGFILE": "/denied"}
    error = PermissionError(13, "Permission denied", "/denied")

    assert "SSLKEYLOGFILE=/denied cannot be used: Permission denied" in str(
        network_mistake("set up", "x", error, environment)
    )


@pytest.mark.parametrize("error", [ValueError("x"), ImportError("x"), OSError("x")])
def test_nothing_is_blamed_without_a_variable(error: Exception) -> None:
    assert network_mistake("set up", "x", error, {"HTTP_PROXY": "", "PATH": "/bin"}) is None
    assert network_mistake("set up", "x", ValueError(), {"NO_PROXY": "localhost,10.0.0.0/8,::1"}) is None


@pytest.mark.parametrize(
    ("url", "environment", "reads_certificates"),
    [
        ("http://qdrant:6333", {}, False),
        ("HTTP://qdrant:6333", {"NO_PROXY": ""}, False),
        ("https://qdrant:6333", {}, True),
        ("http://qdrant:6333", {"HTTP_PROXY": "https://proxy"}, True),
        ("http://qdrant:6333", {"SSL_CERT_FILE": "/ca.pem"}, False),
        ("https://qdrant:6333", {"SSL_CERT_FILE": "/ca.pem"}, True),
    ],
)
def test_certificates_are_read_where_they_may_be_needed(
    url: str, environment: dict[str, str], reads_certificates: bool
) -> None:
    verify = verification(url, environment)

    assert (verify is True) == reads_certificates
    if isinstance(verify, ssl.SSLContext):
        assert (verify.verify_mode, verify.check_hostname, verify.get_ca_certs()) == (ssl.CERT_REQUIRED, True, [])
