"""The status listener of a running daemon: foreign hosts, and the token from a file."""

import json
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from connector.simulator import Scenario
from tests.command import Command
from tests.e2e.convergence import small_scenario
from tests.e2e.daemon import Running, running

TOKEN = "token-of-the-test"


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


def status_of(daemon: Running, path: str, **headers: str) -> int:
    request = urllib.request.Request(f"{daemon.url}{path}", headers=headers)  # noqa: S310  loopback only
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  loopback only
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_token_protects_the_status_and_the_commands_still_work(connector: Command) -> None:
    file = connector.directory / "http-token"
    file.write_text(f"{TOKEN}\n")
    with running(connector, CONNECTOR_HTTP_TOKEN_FILE=str(file)) as daemon:
        without = [status_of(daemon, path) for path in ("/livez", "/readyz", "/api/status")]
        wrong = status_of(daemon, "/api/status", Authorization="Bearer wrong")
        right = status_of(daemon, "/api/status", Authorization=f"Bearer {TOKEN}")
        foreign = [status_of(daemon, path, Host="evil.example") for path in ("/livez", "/api/status")]
        port = {"CONNECTOR_HTTP_PORT": str(urlsplit(daemon.url).port)}
        shown = connector.run("status", "--json", **port)
        alive = connector.run("healthcheck", **port)
        assert daemon.stop().code == 0

    assert (without, wrong, right, foreign) == ([200, 200, 401], 401, 200, [403, 403])
    assert (shown.json["daemon"]["not_ready"], alive.code) == ({}, 0)
    assert {it["level"] for it in daemon.events("request.refused")} == {"warning"}
    assert TOKEN not in json.dumps(daemon.records())
