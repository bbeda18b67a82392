"""The asset page and the search of a running daemon, with the simulator and a Qdrant server."""

import re
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from connector.domain.asset_situation import Situation
from connector.simulator import IndexSpec, Scenario, Simulator
from connector.web.pages.links import asset_url
from tests.command import Command
from tests.comparing import differences
from tests.contract.moment_place import Parsed
from tests.e2e.daemon import Running, running
from tests.e2e.pages import code, table
from tests.qdrant_server import QdrantServer
from tests.waiting import wait_until

CAPTIONS = ["a diver feeds a shark", "an astronaut waters tomatoes", "monks ring a bronze bell"]
ASSET_KEYS = table("docs/commands.md", "One asset over HTTP")
ODD_NAME = '"><script>alert(1)</script>/../🎬.mp4'


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(
        seed=5,
        indexes=(
            IndexSpec(name="newer", model="marengo3.0", generate=6, duration=(10.0, 40.0)),
            IndexSpec(name="older", model="marengo2.7", generate=4, duration=(10.0, 40.0)),
        ),
    )


@pytest.fixture
def added(simulator: Simulator) -> list[str]:
    """A video that the captions describe, in each index."""
    return [
        simulator.control.add_asset(index, ODD_NAME, captions=list(CAPTIONS), metadata={"note": ODD_NAME})
        for index in simulator.control.index_ids
    ]


@pytest.fixture
def daemon(connector: Command, added: list[str], simulator: Simulator) -> Iterator[Running]:
    """With every video in Qdrant."""
    with running(connector) as daemon:
        wait_until(lambda: synced(daemon, simulator), 40, "everything is synced")
        yield daemon


def synced(daemon: Running, simulator: Simulator) -> bool:
    counts = [len(simulator.control.asset_ids(index)) for index in simulator.control.index_ids]
    return [daemon.index(index).get("applied") for index in simulator.control.index_ids] == counts


def page(daemon: Running, path: str, status: int = 200) -> Parsed:
    try:
        with urllib.request.urlopen(f"{daemon.url}{path}", timeout=60) as answer:  # noqa: S310  loopback only
            found, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        found, body = error.code, error.read()
    assert found == status, body
    return Parsed(body.decode())


def test_a_hit_leads_to_its_moment_on_the_page_of_its_asset(
    daemon: Running, simulator: Simulator, added: list[str]
) -> None:
    found = page(daemon, f"/search?{urlencode({'q': CAPTIONS[1]})}")

    assert "marengo3.0" in found.text
    assert "marengo2.7" in found.text
    links = [link for link in found.links() if link.endswith("#moment")]
    assert len(links) == 2
    for link, index, asset in zip(links, simulator.control.index_ids, added, strict=True):
        assert link.startswith(str(asset_url(index, asset)))
        shown = page(daemon, link)
        assert len(shown.all("tr", class_="at")) == 1
        assert len(shown.all("rect", class_="moment")) == 1
        assert "Applied" in shown.text
        assert ODD_NAME in shown.text
        assert all(it.get("src") for it in shown.all("script"))


def test_the_json_of_a_search_is_that_of_the_command(daemon: Running, connector: Command, simulator: Simulator) -> None:
    newer, older = simulator.control.index_ids
    for only in ([], [older], [newer, older]):
        query = urlencode([("q", CAPTIONS[0]), ("limit", "3"), *(("index", it) for it in only)])
        status, found = daemon.get(f"/api/search?{query}")
        options = [part for it in only for part in ("--index", it)]
        assert status == 200
        assert found == connector.run("search", CAPTIONS[0], "--limit", "3", "--json", *options).json

    status, refused = daemon.get("/api/search?q=shark&index=stranger")
    assert (status, refused["error"]["code"]) == (400, "config_error")
    assert newer in refused["error"]["message"]


def test_the_json_of_an_asset_has_its_row_and_its_points(
    daemon: Running, simulator: Simulator, added: list[str]
) -> None:
    newer = simulator.control.index_ids[0]

    status, found = daemon.get(f"/api/indexes/{newer}/assets/{added[0]}")

    assert status == 200
    assert differences(found, state="applied", filename=ODD_NAME, index_name="newer", model="marengo3.0") == {}
    assert found["qdrant"] == {"error": None, "points": found["applied"]["points"], "truncated": False}
    assert found["user_metadata"] == {"note": ODD_NAME}
    assert len(found["segments"]) == found["applied"]["points"] == len(CAPTIONS)
    assert [it["start_offset_sec"] for it in found["segments"]] == sorted(
        it["start_offset_sec"] for it in found["segments"]
    )
    assert found["facts"]["width"] == 1280
    rows = {name: meaning for names, _, meaning in ASSET_KEYS for name in code(names)}
    assert rows.keys() == found.keys()
    for nested in ("applied", "facts", "qdrant"):
        assert found[nested].keys() <= set(re.findall(r"\w+", rows[nested]))
    assert found["segments"][0].keys() <= set(re.findall(r"\w+", rows["segments"]))
    states = next(meaning for names, _, meaning in ASSET_KEYS if names == "`state`")
    assert {it.value for it in Situation} == set(code(states))


def test_looking_changes_nothing(daemon: Running, connector: Command, simulator: Simulator, added: list[str]) -> None:
    newer = simulator.control.index_ids[0]
    before = rows(connector)

    for path in (f"/search?q={quote(CAPTIONS[0])}", f"/indexes/{newer}/assets/{added[0]}", "/search"):
        page(daemon, path)

    assert rows(connector) == before


def rows(connector: Command) -> list[object]:
    with closing(sqlite3.connect(connector.directory / "data" / "ledger.sqlite3")) as ledger:
        return ledger.execute("select * from checkpoints order by 1, 2").fetchall()


def test_a_quarantined_asset_says_why_and_the_command_helps(
    connector: Command, simulator: Simulator, added: list[str]
) -> None:
    newer, bad = simulator.control.index_ids[0], added[0]
    fault = f"GET /indexes/*/indexed-assets/{bad}"
    simulator.control.inject(fault, status=422, body={"code": "torn", "message": "the file is torn"})
    strict = Command(connector.directory, {**connector.settings, "CONNECTOR_MAX_ATTEMPTS": "1"})
    with running(strict) as daemon:
        path = f"/indexes/{newer}/assets/{bad}"
        wait_until(lambda: daemon.get(f"/api{path}")[0] == 200, 40, "the asset is known")
        wait_until(lambda: daemon.get(f"/api{path}")[1]["state"] == "quarantined", 40, "it failed")
        shown = page(daemon, path)
        command = re.search(r"connector (quarantine retry \S+ \S+ \S+)", shown.text)
        simulator.control.clear_faults()
        assert command is not None
        retried = strict.run(*command[1].split())
        wait_until(lambda: daemon.get(f"/api{path}")[1]["state"] == "applied", 40, "it was retried")

    assert "Quarantined" in shown.text
    assert "the file is torn" in shown.text
    assert "1 of 1" in shown.text
    assert retried.code == 0


def test_without_qdrant_there_is_a_page_that_says_so(
    daemon: Running, server: QdrantServer, simulator: Simulator, added: list[str]
) -> None:
    newer = simulator.control.index_ids[0]
    server.kill()

    asset = page(daemon, f"/indexes/{newer}/assets/{added[0]}")
    found = page(daemon, "/search?q=shark", 503)
    status, document = daemon.get(f"/api/indexes/{newer}/assets/{added[0]}")

    assert "Qdrant cannot be read." in asset.text
    assert "Fingerprint" in asset.text
    assert "Qdrant cannot be reached" in found.text
    assert (status, document["qdrant"]["points"], document["segments"]) == (200, None, [])
    assert document["applied"]["points"] == len(CAPTIONS)


@pytest.mark.parametrize(
    ("fault", "status", "title"),
    [
        ({"status": 401, "body": {"code": "api_key_invalid", "message": "wrong"}}, 503, "The key was refused"),
        ({"status": 400, "body": {"code": "parameter_invalid", "message": "too long"}}, 400, "This cannot be searched"),
    ],
)
def test_an_embedding_that_is_refused(
    daemon: Running, simulator: Simulator, fault: dict[str, Any], status: int, title: str
) -> None:
    """The page names the cause in each list; the JSON has no other answer and says so with its status."""
    simulator.control.inject("POST /embed**", **fault)

    found = page(daemon, "/search?q=shark")
    answer = daemon.get("/api/search?q=shark")

    assert found.text.count(title) == 2, "one for each model"
    assert (answer[0], len(answer[1]["models"])) == (status, 2)
    assert all(it["error"] for it in answer[1]["models"])


def test_before_the_first_sync_there_is_nothing_to_search(connector: Command, simulator: Simulator) -> None:
    simulator.control.inject("GET /indexes**", status=503)
    with running(connector, wait=False) as daemon:
        wait_until(lambda: daemon.get("/livez")[0] == 200, 40, "it listens")
        found = page(daemon, "/search?q=shark")
        assert "Nothing to search yet" in found.text
        assert daemon.get("/api/search?q=shark") == (200, {"query": "shark", "models": []})
        assert "Not found" in page(daemon, "/indexes/none/assets/none", 404).text


def test_pages_ask_for_the_token(connector: Command) -> None:
    with running(connector, wait=False, CONNECTOR_HTTP_TOKEN="secret-token") as daemon:
        wait_until(lambda: daemon.get("/livez")[0] == 200, 40, "it listens")
        for path in ("/search?q=shark", "/api/search?q=shark", "/indexes/a/assets/b", "/api/indexes/a/assets/b"):
            assert daemon.get(path)[0] == 401
