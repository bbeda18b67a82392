"""Setting up the transport: the operator's mistakes, and what the environment decides."""

import httpx
import pytest

from connector.domain.errors import (
    ConfigError,
)
from connector.domain.network_variables import NAMES
from connector.settings.loading import network_variables
from connector.twelvelabs.calls import Call
from connector.twelvelabs.listing_decoding import read_index
from connector.twelvelabs.transport import TRANSLATION, ApiTransport
from tests.contract.transport_talks import CALL, GOOD, KEY, talking
from tests.fakes.clock import FakeTime
from tests.fakes.scripted_http import scripted


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.mark.parametrize("suffix", ["", "/"])
async def test_a_slash_at_the_end_of_the_base_url_makes_no_difference(suffix: str, time: FakeTime) -> None:
    async with scripted([GOOD]) as server:
        transport = ApiTransport(server.base_url + suffix, KEY, clock=time.clock)
        await transport.send(CALL, read_index)
        await transport.close()

    assert server.requests[0].path == "/v1.3/indexes/ix1"


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel", "tab\t"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="TWELVELABS_API_KEY") as caught:
        ApiTransport("http://127.0.0.1:1", key)

    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "api.twelvelabs.io", "ftp://host", "http://", "http://[::1", "http://u:p@host", "http://host?x=1"]
)
def test_a_base_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="TWELVELABS_BASE_URL"):
        ApiTransport(url, KEY)


WRONG = [
    ("HTTPS_PROXY", "gopher://user:hunter2@host", "gopher://[secret]@host cannot be used: the scheme gopher is not"),
    ("http_proxy", "socks4://hunter2@h:1", "socks4://[secret]@h:1 cannot be used: the scheme socks4 is not supported"),
    ("ALL_PROXY", "socks5://u:hunter2@h:1", "socks5://[secret]@h:1 cannot be used: SOCKS needs the Python package"),
    ("https_proxy", "user:hunter2@[::1", "[secret]@[::1 cannot be used: it is not a valid address"),
    ("HTTP_PROXY", "http://user:hunter2", "http://user:[secret] cannot be used: it is not a valid address"),
    ("ALL_PROXY", "http://:::", " cannot be used: it is not a valid address"),
    ("NO_PROXY", "localhost,host:port", "localhost,host:port cannot be used: 'host:port' is not a valid host"),
    ("no_proxy", "http://[::1", "http://[::1 cannot be used: 'http://[::1' is not a valid host"),
    ("SSL_CERT_FILE", "/no/such/file", "/no/such/file cannot be used: No such file or directory"),
    ("SSL_CERT_FILE", __file__, f"{__file__} cannot be used: it has no certificate in PEM format"),
]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without proxies and certificates in the environment."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(("variable", "value", "why"), WRONG)
def test_an_environment_that_cannot_be_used_is_refused(
    variable: str, value: str, why: str, bare: pytest.MonkeyPatch
) -> None:
    """The message names the variable and its value, without a password, and why; good ones are not blamed."""
    bare.setenv(variable, value)
    good = {"NO_PROXY": "localhost,10.0.0.0/8,::1,.example,*.x", "HTTP_PROXY": "proxy:3128", "HTTPS_PROXY": "http://h"}
    for name, text in good.items():
        if name.lower() != variable.lower():
            bare.setenv(name, text)
    with pytest.raises(ConfigError) as caught:
        ApiTransport("https://api.example", KEY, environment=network_variables())

    assert str(caught.value).startswith(f"set up HTTP client: {variable}=")
    assert why in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.advice


def test_a_certificate_file_that_cannot_be_used_is_refused_even_where_none_is_needed(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("SSL_CERT_FILE", "/no/such/file")
    with pytest.raises(ConfigError, match="SSL_CERT_FILE=/no/such/file cannot be used"):
        ApiTransport("http://127.0.0.1:1", KEY, environment=network_variables())


@pytest.mark.parametrize(
    ("name", "value"), [("NO_PROXY", "localhost, 10.0.0.0/8,::1,[::1],.example,*"), ("HTTP_PROXY", "proxy:3128")]
)
def test_a_good_environment_is_accepted(name: str, value: str, bare: pytest.MonkeyPatch) -> None:
    bare.setenv(name, value)
    ApiTransport("https://api.example", KEY, environment=network_variables())


def test_an_unexplained_failure_names_all_variables(bare: pytest.MonkeyPatch) -> None:
    """The values are not quoted."""
    bare.setenv("SSL_CERT_FILE", "/no/such/hunter2")
    with pytest.raises(ConfigError, match=r"FileNotFoundError\. Check HTTPS_PROXY, .* SSL_CERT_FILE") as caught:
        ApiTransport("https://api.example", KEY)

    assert "hunter2" not in str(caught.value)


async def test_requests_go_through_the_proxy_of_the_environment(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted([GOOD]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        transport = ApiTransport("http://api.example/v1.3", KEY, clock=time.clock)
        assert (await transport.send(CALL, read_index)).name == "news"
        await transport.close()

    assert proxy.requests[0].headers["host"] == "api.example"


async def test_an_address_that_cannot_be_asked_is_a_mistake_and_not_retried(time: FakeTime) -> None:
    async with talking([GOOD], time) as (transport, server):
        with pytest.raises(ConfigError, match="InvalidURL"):
            await transport.send(Call("look up", "x", "indexes/\x00"), read_index)

    assert server.requests == []


def test_every_exception_of_httpx_has_a_translation() -> None:
    """Fails if a new httpx adds an exception that is not mapped."""
    found = [kind for kind in vars(httpx).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    unmapped = [kind for kind in found if not set(kind.__mro__) & set(TRANSLATION)]

    assert len(found) > 20
    assert unmapped == []
