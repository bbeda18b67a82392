"""One trace per asset, sent to a collector over OTLP/HTTP. One that is absent, slow or refuses disturbs nothing."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from connector import __version__
from connector.simulator import Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import RETRIEVE, converges, small_scenario
from tests.e2e.daemon import PATIENCE_SEC, running
from tests.fork_server import ROOT
from tests.otlp_collector import PATH, Collector, collecting
from tests.waiting import wait_until

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture
def newer(simulator: Simulator) -> str:
    return simulator.control.index_ids[0]


def test_each_asset_has_a_trace_of_what_was_done(
    connector: Command, simulator: Simulator, collector: Collector, newer: str
) -> None:
    control = simulator.control
    retried, torn, *_ = control.asset_ids(newer)
    control.inject(f"GET /indexes/*/indexed-assets/{retried}", status=503, count=1)
    control.inject(f"GET /indexes/*/indexed-assets/{torn}", status=422, body={"code": "torn", "message": "torn"})

    ended = connector.run("sync", CONNECTOR_INDEXES=newer, **{ENDPOINT: collector.url})

    assert ended.code == 1, ended.stderr
    roots = {str(it.facts["connector.indexed_asset_id"]): it for it in collector.roots()}
    assert collector.paths == {PATH}
    assert roots.keys() == set(control.asset_ids(newer))
    assert len(roots) == len(collector.roots()) == 8
    for name, root in roots.items():
        spans = collector.of(root)
        assert root.facts["connector.index_id"] == newer
        assert root.failed == (name == torn)
        assert all(root.began <= it.began <= it.ended <= root.ended for it in spans)
        steps = Counter(it.name for it in spans)
        if name == torn:
            assert root.facts["error.type"] == "asset_error"
            assert "torn" in root.message
            assert not steps.keys() & {"build", "write"}
            continue
        assert root.facts["connector.outcome"] == "applied"
        assert root.facts["connector.points"] == next(
            it.facts["connector.points"] for it in spans if it.name == "build"
        )
        assert (steps["retrieve"], steps["build"], steps["write"]) == (2 if name == retried else 1, 1, 1)
        assert list(root.events) == (["retry"] if name == retried else [])
        [write] = [it for it in spans if it.name == "write"]
        assert {it.parent for it in spans if it.name.startswith("qdrant upsert")} <= {write.span}
        assert {it.parent for it in spans if it.name in {"retrieve", "build", "write"}} == {root.span}
    statuses = [it.facts["http.response.status_code"] for it in collector.of(roots[retried]) if it.name == "retrieve"]
    assert statuses == [503, 200]
    assert any(it.name == "qdrant upsert" for it in collector.spans)


def test_the_service_is_named_and_may_be_named_otherwise(connector: Command, collector: Collector, newer: str) -> None:
    given = {"CONNECTOR_INDEXES": newer, ENDPOINT: collector.url}
    connector.run("sync", **given)
    connector.run("sync", "--json", **given, CONNECTOR_TRANSCRIPT="false", OTEL_SERVICE_NAME="mine")

    assert {it["service.name"] for it in collector.resources} == {"twelvelabs-qdrant-connector", "mine"}
    assert {it["service.version"] for it in collector.resources} == {__version__}


def test_a_daemon_sends_them_and_no_key(
    connector: Command, simulator: Simulator, client: QdrantClient, collector: Collector
) -> None:
    traced = Command(connector.directory, {**connector.settings, ENDPOINT: collector.url})
    with running(traced, OTEL_BSP_SCHEDULE_DELAY="100") as daemon:
        converges(simulator, client)
        wait_until(lambda: len(collector.roots()) >= 14, PATIENCE_SEC, "all traces are there")
        control = simulator.control
        gone = control.asset_ids(control.index_ids[0])[0]
        control.delete_asset(control.index_ids[0], gone)
        wait_until(
            lambda: any(it.facts["connector.outcome"] == "deleted" for it in collector.roots()), PATIENCE_SEC, "it is"
        )
        assert daemon.stop().code == 0

    assert "test-key" not in repr(collector.spans) + repr(collector.resources)
    assert not [it for it in daemon.records() if str(it["event"]).startswith("tracing.")]


@pytest.mark.parametrize("variables", [{}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true"}])
def test_it_is_off_unless_asked_for(
    connector: Command, collector: Collector, newer: str, variables: dict[str, str]
) -> None:
    endpoint = {ENDPOINT: collector.url} if variables else {}
    ended = connector.run("sync", CONNECTOR_INDEXES=newer, **endpoint, **variables)

    assert (ended.code, collector.requests) == (0, 0)
    assert "tracing" not in ended.stderr


def test_without_the_extra_it_says_so_and_goes_on(
    connector: Command, collector: Collector, newer: str, tmp_path: Path
) -> None:
    (tmp_path / "stub" / "opentelemetry").mkdir(parents=True)
    (tmp_path / "stub" / "opentelemetry" / "__init__.py").write_text("raise ImportError\n", encoding="utf-8")

    ended = connector.run(
        "sync", CONNECTOR_INDEXES=newer, PYTHONPATH=f"{tmp_path / 'stub'}:{ROOT}", **{ENDPOINT: collector.url}
    )

    assert (ended.code, collector.requests) == (0, 0)
    assert ended.stderr.count("tracing.not_installed") == 1


def test_a_collector_that_refuses_is_told_once(connector: Command, collector: Collector, newer: str) -> None:
    collector.status = 400

    ended = connector.run(
        "sync", CONNECTOR_INDEXES=newer, **{ENDPOINT: f"{collector.url}/"}, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4"
    )

    assert ended.code == 0
    assert collector.requests > 2
    assert ended.stderr.count("tracing.failed") == 1


@pytest.mark.parametrize(
    "endpoint",
    ["hang", "not a url", *(pytest.param(it, marks=pytest.mark.soak) for it in ("http://127.0.0.1:9", "::::"))],
)
def test_a_collector_that_cannot_be_used_disturbs_nothing(
    connector: Command, simulator: Simulator, client: QdrantClient, collector: Collector, newer: str, endpoint: str
) -> None:
    collector.answers.clear()
    variables = {ENDPOINT: collector.url if endpoint == "hang" else endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    began = time.monotonic()
    traced = Command(connector.directory, {**connector.settings, **variables})
    with running(traced, CONNECTOR_INDEXES=newer) as daemon:
        converges(simulator, client, newer)
        age = daemon.get("/livez")[1]["heartbeat_age_sec"]
        ended = daemon.stop()

    assert ended.code == 0, daemon.log.read_text()
    assert age < 5
    assert time.monotonic() - began < 30
    assert len(simulator.control.requests.matching(RETRIEVE)) >= 8
    assert {it["event"] for it in daemon.records() if "opentelemetry" in str(it.get("logger"))} == set()
