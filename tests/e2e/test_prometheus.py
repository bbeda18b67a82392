"""A real Prometheus scrapes a daemon that asks for its token, evaluates the rules, and answers the dashboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.simulator import Scenario, Simulator
from tests.alerting import dashboard, expressions, rules
from tests.command import Command
from tests.e2e.convergence import small_scenario
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.e2e.pages import RECIPES
from tests.e2e.prometheus_server import Prometheus, prometheus
from tests.waiting import wait_until

TOKEN = "token-of-the-test"
VARIABLES = {"$instance": ".*", "$index": ".*", "$__rate_interval": "1m"}


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


@pytest.fixture
def daemon(connector: Command, simulator: Simulator) -> Iterator[Running]:
    """Synced."""
    with running(connector, CONNECTOR_HTTP_TOKEN=TOKEN) as found:
        yield found


@pytest.fixture
def scraping(daemon: Running, tmp_path: Path) -> Iterator[Prometheus]:
    with prometheus(tmp_path, daemon.url.removeprefix("http://"), TOKEN) as found:
        synced = 'sum(connector_assets{state="applied"}) == 14 and sum(count_over_time(connector_build_info[1m])) > 5'
        wait_until(lambda: bool(found.values(synced)), PATIENCE_SEC, "some scrapes of all assets")
        yield found


def filled_in(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def test_the_dashboard_the_rules_and_the_recipes_have_answers(scraping: Prometheus) -> None:
    [target] = scraping.targets
    loaded = [it["name"] for group in scraping.ask("rules")["groups"] for it in group["rules"]]
    answers = {it: scraping.values(filled_in(it)) for it in expressions()}
    shown = {
        panel["title"]: answers[query["expr"]]
        for panel in dashboard()["panels"]
        for query in panel.get("targets", ())[:1]
    }

    assert (target["health"], target["lastError"]) == ("up", "")
    assert loaded == [rule["alert"] for rule in rules()]
    assert [answers[rule["expr"]] for rule in rules()] == [[] for _ in rules()], "nothing is wrong"
    assert shown["Ready"] == [1]
    assert shown["Backlog"] == [0]
    assert shown["Failed, quarantined"] == [0]
    assert 0 <= shown["Since last success"][0] < 10
    empty = {title for title, values in shown.items() if not values}
    assert empty <= {
        "Lag, 95 %",
        "Limited by",
        "Next expiry",
        "429 per minute",
        "Failed requests per minute",
        "Request errors, by code",
        "Failed and deferred assets, by code",
        "Indexes that fail",
        "Until expiry",
        "Retries per minute",
    }
    assert answers[RECIPES["share.promql"]] == [1, 1]


def test_a_wrong_token_is_a_target_that_is_down(daemon: Running, tmp_path: Path) -> None:
    with prometheus(tmp_path, daemon.url.removeprefix("http://"), "wrong") as found:
        wait_until(lambda: found.values("up") == [0], PATIENCE_SEC, "it is down")
        [target] = found.targets
        pending = {it["name"]: it["state"] for group in found.ask("rules")["groups"] for it in group["rules"]}

    assert "401" in target["lastError"]
    assert pending["ConnectorDown"] in {"pending", "inactive"}
