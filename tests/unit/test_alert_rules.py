"""The alert rules, the Prometheus configuration and the dashboard are valid; every alert is tested both ways."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerting import MONITORING, RULES, dashboard, expressions, rules
from tests.e2e.pages import ROOT
from tests.promql import grouping, selectors
from tests.promtool import promtool

CASES = yaml.safe_load((MONITORING / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]
NAMES = [rule["alert"] for rule in rules()]


@pytest.mark.parametrize("rule", rules(), ids=NAMES)
def test_an_alert_says_how_bad_it_is_what_to_do_and_where_to_read_more(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    page, _, anchor = notes["runbook_url"].partition("#")

    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert len(notes["summary"]) <= 80
    assert notes["description"].endswith(".")
    assert f"### `{rule['alert']}`" in (ROOT / page).read_text(encoding="utf-8")
    assert anchor == rule["alert"].lower()


def test_every_alert_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 14


@pytest.mark.parametrize("alert", NAMES)
def test_every_alert_has_a_firing_and_a_silent_case(alert: str) -> None:
    found = set()
    for case in CASES:
        [asked] = case["promql_expr_test"]
        if f'alertname="{alert}"' in asked["expr"]:
            found.add(asked["exp_samples"][0]["value"])
            assert case["name"].startswith(f"{alert} is {'firing' if asked['exp_samples'][0]['value'] else 'silent'}: ")
    assert found == {0, 1}


def test_promtool_accepts_the_rules() -> None:
    checked = promtool("check", "rules", RULES)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(NAMES)} rules found" in checked.stdout


def test_the_cases_are_as_they_say() -> None:
    checked = promtool("test", "rules", "alerts.test.yml", directory=MONITORING)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_wrong_case_would_be_found(tmp_path: Path) -> None:
    shutil.copy(RULES, tmp_path)
    case = next(it for it in CASES if it["name"].startswith("ConnectorDown is firing"))
    case["promql_expr_test"][0]["exp_samples"][0]["value"] = 0
    wrong = {"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": [case]}
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump(wrong), encoding="utf-8")

    assert promtool("test", "rules", "wrong.yml", directory=tmp_path).returncode == 1


def test_what_an_alert_tells_names_the_subject(tmp_path: Path) -> None:
    """The only two descriptions with logic."""
    expected = [
        alert_case(
            "ConnectorKeyRefused",
            'connector_request_errors_total{job="connector",instance="c",side="source",code="authentication_failed"}',
            "0+1x20",
            {"side": "source"},
            "TwelveLabs rejects TWELVELABS_API_KEY of c. ",
            "Correct the key",
        ),
        alert_case(
            "ConnectorIndexExpires",
            'connector_index_expiry_timestamp_seconds{job="connector",instance="c",index_id="i"}',
            "174000x20",
            {"index_id": "i"},
            "TwelveLabs deletes index i in 2d 0h 0m 0s. ",
            "To keep it",
        ),
    ]
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": expected}
    (tmp_path / "told.yml").write_text(yaml.safe_dump(document), encoding="utf-8")

    checked = promtool("test", "rules", tmp_path / "told.yml")

    assert checked.returncode == 0, checked.stdout + checked.stderr


def alert_case(
    alert: str, series: str, values: str, labels: dict[str, str], begins: str, goes_on: str
) -> dict[str, Any]:
    """At 20 minutes. The rest of the description is that of the rule."""
    rule = next(it for it in rules() if it["alert"] == alert)
    rest = rule["annotations"]["description"].partition(goes_on)[2]
    told = {**rule["annotations"], "description": begins + goes_on + rest}
    told["summary"] = told["summary"].replace("{{ $labels.side }}", "source")
    found = {"severity": rule["labels"]["severity"], "job": "connector", "instance": "c", **labels}
    return {
        "interval": "1m",
        "input_series": [{"series": series, "values": values}],
        "alert_rule_test": [
            {"eval_time": "20m", "alertname": alert, "exp_alerts": [{"exp_labels": found, "exp_annotations": told}]}
        ],
    }


def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    """With the paths of a container replaced by those of this machine."""
    token = tmp_path / "token"
    token.write_text("", encoding="utf-8")
    written = (MONITORING / "prometheus.yml").read_text(encoding="utf-8")
    config = written.replace("/etc/prometheus/alerts.yml", str(RULES)).replace("/tmp/connector-token", str(token))  # noqa: S108  in a container
    (tmp_path / "prometheus.yml").write_text(config, encoding="utf-8")

    checked = promtool("check", "config", tmp_path / "prometheus.yml")

    assert config.count(str(tmp_path)) == 1
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 rule files found" in checked.stdout


def test_the_job_is_the_one_that_the_rules_name() -> None:
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))

    assert [it["job_name"] for it in config["scrape_configs"]] == ["connector"]
    assert set(re.findall(r'job="(\w+)"', " ".join(expressions()))) == {"connector"}


def test_every_panel_says_what_it_shows_and_has_a_place_of_its_own() -> None:
    panels = dashboard()["panels"]
    places = [(x, y) for it in panels for x, y in cells(it["gridPos"])]

    assert len({it["id"] for it in panels}) == len(panels)
    assert len(set(places)) == len(places), "panels overlap"
    assert max(x for x, _ in places) == 23
    assert [it["title"] for it in panels if it["type"] != "row" and not (it["description"] and it["targets"])] == []


def cells(place: dict[str, int]) -> list[tuple[int, int]]:
    return [(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])]


def test_the_dashboard_is_provisioned_with_its_data_source() -> None:
    grafana = MONITORING / "grafana" / "provisioning"
    [source] = yaml.safe_load((grafana / "datasources/prometheus.yml").read_text(encoding="utf-8"))["datasources"]
    [provider] = yaml.safe_load((grafana / "dashboards/connector.yml").read_text(encoding="utf-8"))["providers"]
    uses = {it["datasource"]["uid"] for it in dashboard()["panels"] if "datasource" in it}

    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert uses == {"${datasource}"}
    assert dashboard()["templating"]["list"][0]["name"] == "datasource"


@pytest.mark.parametrize(
    ("expression", "found", "groups"),
    [
        ('sum by (a, b) (rate(x_total{c="d",e=~"f"}[5m])) > 0.5', [("x_total", {"c": "d", "e": ""})], {"a", "b"}),
        ("time() - max(x) > 3 * y and on (job) z offset 6h", [("x", {}), ("y", {}), ("z", {})], {"job"}),
        ("min_over_time((sum by (i) (x))[1h:1m]) > 0 unless on (i) w{}", [("x", {}), ("w", {})], {"i"}),
        ("60 * x / y", [("x", {}), ("y", {})], set()),
    ],
)
def test_how_an_expression_is_read(expression: str, found: list[Any], groups: set[str]) -> None:
    assert (list(selectors(expression)), grouping(expression)) == (found, groups)
