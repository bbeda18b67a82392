"""The status page of a real daemon on the simulator: what it says while it works, its stream, its token, its end."""

import base64
import http.client
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connector.simulator import IndexSpec, Knobs, Scenario, Simulator
from connector.web.pages.links import index_url
from tests.command import Command, end
from tests.e2e.daemon import Running, running
from tests.waiting import wait_until

PATIENCE_SEC = 30
ODD_NAME = '<script>alert("x")</script> & 🎬'


@pytest.fixture
def scenario() -> Scenario:
    spec = IndexSpec(name=ODD_NAME, model="marengo3.0", generate=8, duration=(10.0, 20.0))
    return Scenario(seed=5, knobs=Knobs(), indexes=(spec,))


def get(daemon: Running, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(daemon.url.removeprefix("http://"), timeout=PATIENCE_SEC)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def stream(daemon: Running) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(daemon.url.removeprefix("http://"), timeout=PATIENCE_SEC)
    connection.request("GET", "/events")
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def read_until(answer: http.client.HTTPResponse, text: str) -> str:
    """Everything up to the line with this text; fails if it does not come in time, or the stream ends before."""
    found, deadline = "", time.monotonic() + PATIENCE_SEC
    while text not in found:
        assert time.monotonic() < deadline, f"no {text}: {found[-500:]}"
        line = answer.readline().decode()
        assert line, f"the stream ended without {text}: {found[-500:]}"
        found += line
    return found


def test_from_nothing_to_current_and_what_the_stream_tells(connector: Command, simulator: Simulator) -> None:
    with running(connector, wait=False) as daemon, stream_when_up(daemon) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        read_until(answer, "Everything is current")
        (index_id,) = daemon.get("/api/status")[1]["daemon"]["indexes"]
        status, text = get(daemon, "/")

        assert (status, "Everything is current" in text) == (200, True)
        assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; &amp; 🎬" in text
        status, listed = get(daemon, index_url(index_id, state="applied") or "")
        assert (status, len(re.findall(r'class="state applied"', listed))) == (200, 8)

        simulator.control.add_asset(index_id, filename="newcomer.mp4")
        told = read_until(answer, '<span class="count">9</span> <span class="label">Applied')
        assert "hx-swap-oob" in told
        assert "newcomer.mp4" in get(daemon, index_url(index_id, text="NEWCOMER") or "")[1]


@contextmanager
def stream_when_up(daemon: Running) -> Iterator[http.client.HTTPResponse]:
    wait_until(lambda: daemon.get("/livez")[0] == 200, PATIENCE_SEC, "the listener is up")
    with stream(daemon) as answer:
        yield answer


def test_after_a_restart_nothing_is_current_before_it_was_listed(connector: Command, simulator: Simulator) -> None:
    with running(connector) as daemon, stream(daemon) as answer:
        read_until(answer, "Everything is current")
    simulator.control.inject("GET /indexes/*/indexed-assets", delay=5.0)

    with running(connector, wait=False) as daemon, stream_when_up(daemon) as answer:
        told = read_until(answer, "Everything is current")

    assert "Checking…" in told
    assert re.search(r"Last current <time [^>]+>[^<]+ ago</time>|Last current <time [^>]+>now</time>", told)


def test_trouble_is_told_in_plain_words(connector: Command, simulator: Simulator) -> None:
    with running(connector) as daemon, stream(daemon) as answer:
        read_until(answer, "Everything is current")
        simulator.control.inject("**", status=401, body={"code": "api_key_invalid", "message": "expired"})
        told = read_until(answer, "The API key was rejected")

        assert "Not current" in told or "Not current" in get(daemon, "/")[1]


def test_a_signal_ends_the_streams_at_once_and_the_daemon_with_zero(connector: Command) -> None:
    with running(connector) as daemon, stream(daemon) as answer:
        read_until(answer, 'id="answer"')
        daemon.process.send_signal(signal.SIGTERM)
        rest = answer.read().decode()
        ended = end(daemon.process)

    assert "Shutting down" in rest
    assert ended.code == 0


def test_a_browser_opens_it_with_the_token_as_password(connector: Command) -> None:
    with running(connector, CONNECTOR_HTTP_TOKEN="secret-token", wait=False) as daemon:
        wait_until(lambda: daemon.get("/livez")[0] == 200, PATIENCE_SEC, "the listener is up")
        password = base64.b64encode(b"me:secret-token").decode()

        assert [get(daemon, path)[0] for path in ("/", "/events", "/indexes/x", "/static/0/page.css")] == [401] * 4
        status, text = get(daemon, "/", Authorization=f"Basic {password}")
        assert (status, "secret-token" in text) == (200, False)
        assert get(daemon, "/static/0/page.css", Authorization=f"Basic {password}")[0] == 200


def test_a_foreign_host_gets_nothing(connector: Command) -> None:
    with running(connector) as daemon:
        assert get(daemon, "/", Host="evil.example")[0] == 403
        assert get(daemon, "/events", Host="evil.example")[0] == 403
