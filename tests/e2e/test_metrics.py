"""/metrics of a running daemon is what docs/metrics.md says, and what the simulator and Qdrant really saw."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import __version__
from connector.domain.report import CycleKind
from connector.telemetry.metric_labels import kind_label
from connector.telemetry.metrics import error_codes
from tests.alerting import TARGET, expressions, firing
from tests.e2e.convergence import NEWER, RETRIEVE
from tests.e2e.metrics_story import FAILURES, LIMITS, Story, told
from tests.e2e.pages import code, table
from tests.promql import grouping, selectors
from tests.promtool import promtool

DOCUMENTED = {code(name)[0]: (kind, labels) for name, kind, labels, _ in table("docs/metrics.md", "Table of metrics")}
OF_PROMETHEUS = {"up"}
IMPLIED = {"le"}
"""Labels that belong to a type."""


@pytest.fixture(scope="module")
def story(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with told(qdrant_binary, tmp_path_factory) as found:
        yield found


def documented_name(family: str, kind: str) -> str:
    return f"{family}_total" if kind == "counter" else family


def test_every_metric_is_in_the_table_with_its_type_and_nothing_else(story: Story) -> None:
    found = {documented_name(name, family.type): family.type for name, family in story.good.families.items()}

    assert found == {name: kind for name, (kind, _) in DOCUMENTED.items()}


def test_every_label_is_in_the_table_and_nothing_else(story: Story) -> None:
    found: dict[str, set[str]] = {}
    for scraped in (story.good, story.bad):
        for family in scraped.families.values():
            names = found.setdefault(documented_name(family.name, family.type), set())
            names.update(*(sample.labels.keys() - IMPLIED for sample in family.samples))

    assert found == {
        name: {it.strip() for it in labels.split(",") if it.strip()} for name, (_, labels) in DOCUMENTED.items()
    }


def test_every_metric_has_a_sample(story: Story) -> None:
    families = [*story.good.families.values(), *story.bad.families.values()]

    assert {it.name for it in families} == {it.name for it in families if it.samples}


def test_promtool_finds_nothing_to_object_to(story: Story) -> None:
    for scraped in (story.good, story.bad):
        checked = promtool("check", "metrics", stdin=scraped.text)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_no_label_names_an_asset_an_address_or_a_secret(story: Story) -> None:
    assert [it for it in story.private if it in story.good.text + story.bad.text] == []


def test_the_number_of_series_of_an_index_is_as_documented(story: Story) -> None:
    found = Counter(dict(labels).get("index_id") for _, labels in story.bad.values)

    assert 60 <= found[story.newer] <= 100
    assert sum(found.values()) < 1000


def test_requests_are_those_that_the_simulator_answered(story: Story) -> None:
    """By path and status; a status of 0 in its log is a connection that it dropped."""
    paths: dict[tuple[str, ...], str] = {
        ("retrieve_asset", "confirm_asset"): r"/indexes/[^/]+/indexed-assets/[^/]+",
        ("list_assets",): r"/indexes/[^/]+/indexed-assets",
        ("get_index",): r"/indexes/[^/]+",
        ("list_indexes", "ping"): r"/indexes",
        ("get_task",): r"/tasks/[^/]+",
    }
    for operations, path in paths.items():
        seen = Counter(str(it.status or "none") for it in story.requests if re.fullmatch(path, it.path))
        counted: Counter[str] = Counter()
        for (name, labels), value in story.good.values.items():
            of = dict(labels)
            if name == "connector_source_requests_total" and of["operation"] in operations:
                counted[of["status"]] += int(value)
        assert counted == seen, operations
    assert story.good.total("connector_source_requests_total") == len(story.requests)
    assert story.good.total("connector_source_request_duration_seconds_count") == len(story.requests)


def test_faults_are_counted_once(story: Story) -> None:
    good = story.good

    assert good.value("connector_request_retries_total", side="source", operation="retrieve_asset") == FAILURES + LIMITS
    assert good.total("connector_request_retries_total", side="source") == FAILURES + LIMITS
    assert good.value("connector_request_errors_total", side="source", code="unavailable") == FAILURES
    assert good.value("connector_request_errors_total", side="source", code="rate_limited") == LIMITS
    assert good.value("connector_source_requests_total", operation="retrieve_asset", status="429") == LIMITS
    assert good.value("connector_rate_limit_waits_total") >= 1
    assert 0.8 <= good.value("connector_rate_limit_wait_seconds_total") < 20
    rejected = good.total("connector_sink_requests_total", operation="facet", status="sink_mismatch")
    assert good.total("connector_request_errors_total", side="sink") == rejected, "counted otherwise instead"


def test_bytes_are_those_of_the_bodies(story: Story) -> None:
    """Besides the bodies of the asset that is gone, and of errors."""
    counted = story.good.value("connector_source_response_bytes_total", operation="retrieve_asset")

    assert story.retrieved_bytes > 100_000
    assert story.retrieved_bytes <= counted <= 1.3 * story.retrieved_bytes


def test_points_are_those_in_qdrant(story: Story) -> None:
    good = story.good
    for index_id, held in story.held.items():
        written = good.value("connector_points_written_total", index_id=index_id)
        deleted = good.value("connector_points_deleted_total", index_id=index_id)
        assert deleted == (story.deleted if index_id == story.newer else 0)
        assert written - deleted == held == good.value("connector_points", index_id=index_id)
    assert story.deleted > 0


def test_changes_and_lag(story: Story) -> None:
    good, newer, older = story.good, story.newer, story.older
    changes = {
        outcome: good.value("connector_changes_total", index_id=newer, outcome=outcome)
        for outcome in ("applied", "deleted", "failed")
    }

    assert changes == {"applied": 9, "deleted": 1, "failed": 0}
    assert good.value("connector_changes_total", index_id=older, outcome="applied") == 6
    assert good.value("connector_lag_seconds_count", index_id=newer) == 1, "the one that was added"
    assert 0 < good.value("connector_lag_seconds_sum", index_id=newer) < 60
    assert good.value("connector_lag_seconds_count", index_id=older) == 0


def test_cycles_are_those_that_the_log_tells(story: Story) -> None:
    told_of = Counter(it["kind"] for it in story.events if it["event"] == "cycle.finished")
    for kind in (CycleKind.FULL, CycleKind.SYNC):
        failed = story.bad.total("connector_cycles_total", kind=kind_label(kind), result="error")
        assert failed == (1 if kind is CycleKind.SYNC else failed)
        assert story.bad.total("connector_cycles_total", kind=kind_label(kind), result="success") == told_of[kind]
    assert story.good.total("connector_cycles_total", result="error") == 0
    assert story.good.value("connector_cycles_total", index_id=story.newer, kind="sync", result="success") == 1


def test_the_facts_of_the_ledger_are_those_of_the_status(story: Story) -> None:
    good = story.good
    for index_id, status in story.status.items():
        assert good.value("connector_ledger_assets", index_id=index_id) == status["assets"]
        assert good.value("connector_assets", index_id=index_id, state="applied") == status["applied"]
        for state in ("opened", "deferred", "failed", "quarantined"):
            assert good.value("connector_assets", index_id=index_id, state=state) == status["counts"][state] == 0
        assert good.total("connector_backlog", index_id=index_id) == 0
        assert good.value("connector_deletes_pending", index_id=index_id) == 0
        assert good.value("connector_deletes_withheld", index_id=index_id) == 0


def test_an_index_is_described_and_its_times_are_shown(story: Story) -> None:
    good, newer, now = story.good, story.newer, time.time()

    info = {"index_id": newer, "index_name": "newer", "model": "marengo3.0", "collection": NEWER}
    assert good.value("connector_index_info", **info) == 1
    assert good.value("connector_index_expiry_timestamp_seconds", index_id=newer) == story.expires_at
    assert good.total("connector_index_expiry_timestamp_seconds", index_id=story.older) == 0
    assert good.value("connector_cycle_interval_seconds", index_id=newer, kind="poll") == 3600
    for kind in ("full_cycle", "poll"):
        assert now - 120 < good.value("connector_last_success_timestamp_seconds", index_id=newer, kind=kind) <= now
        assert now < good.value("connector_next_cycle_timestamp_seconds", index_id=newer, kind=kind) <= now + 3700
    assert now - 120 < good.value("connector_start_timestamp_seconds") < now


def test_the_daemon_is_described(story: Story) -> None:
    good = story.good
    ready = {
        dict(labels)["component"]: value for (name, labels), value in good.values.items() if name == "connector_ready"
    }

    assert ready == dict.fromkeys(("source", "sink", "ledger", "schedule", "daemon"), 1)
    assert good.total("connector_build_info", version=__version__) == 1
    assert 0 <= good.value("connector_heartbeat_age_seconds") < 5
    assert good.value("connector_changes_in_progress") == 0
    assert good.value("connector_concurrency") == 4
    assert good.total("connector_limited_by") == 0
    assert good.total("connector_ledger_write_errors_total") == 0
    assert good.total("connector_ledger_writes_total") > 0
    assert good.value("process_resident_memory_bytes") > 1e7


def test_what_fails_is_shown(story: Story) -> None:
    bad, newer, older = story.bad, story.newer, story.older

    assert bad.value("connector_index_error", index_id=older, code="index_gone") == 1
    assert bad.total("connector_cycle_errors_total", index_id=older, code="index_gone") >= 1
    assert bad.value("connector_assets", index_id=newer, state="failed") == 1
    assert bad.value("connector_asset_errors_total", index_id=newer, code="asset_error") == 1
    assert bad.total("connector_index_error", index_id=newer) == 0
    assert bad.total("connector_ready") == 5, "one index does not make the daemon unready"


def test_rules_dashboard_and_recipes_use_what_there_is(story: Story) -> None:
    names = story.good.names | story.bad.names
    values = {pair for scraped in (story.good, story.bad) for _, labels in scraped.values for pair in labels}
    for expression in expressions():
        used = list(selectors(expression))
        assert used, expression
        for name, matchers in used:
            assert name in names | OF_PROMETHEUS, expression
            labels = {it for scraped in (story.good, story.bad) for has in scraped.labels_of(name) for it in has}
            assert name in OF_PROMETHEUS or matchers.keys() <= labels | TARGET.keys(), expression
            given = {(label, value) for label, value in matchers.items() if value and label not in {"code", *TARGET}}
            assert given <= values, expression
            assert {value for label, value in matchers.items() if label == "code"} <= error_codes(), expression
        assert grouping(expression) <= {label for label, _ in values} | TARGET.keys(), expression


def test_the_simulator_saw_the_faults(story: Story) -> None:
    """So the numbers above are not all 0."""
    faults = [it.status for it in story.requests if it.status in {0, 429, 503}]

    assert sorted(faults) == [0, 429, 503, 503]
    assert RETRIEVE.count("*") == 2


def test_an_index_that_expires_soon_and_one_that_fails_are_alerts(story: Story, tmp_path: Path) -> None:
    found = [firing(tmp_path, [it, it], story.scraped_at) for it in (story.good, story.bad)]

    assert found[0] == {"ConnectorIndexExpires"}
    assert found[1] - found[0] == {"ConnectorIndexFailing", "ConnectorAssetsFailing"}
