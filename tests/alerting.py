"""Whether an alert would fire on scrapes of a real daemon, as Prometheus' own engine evaluates it.

The scrapes are taken as one minute apart. Afterwards it goes on like this: gauges stay, and counters grow as before.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.pages import RECIPES
from tests.promtool import promtool
from tests.scraped import Labels, Scraped

ROOT = Path(__file__).parents[1]
MONITORING = ROOT / "deploy" / "monitoring"
RULES = MONITORING / "alerts.yml"
TARGET = {"job": "connector", "instance": "connector:8080"}
_STAYS_MINUTES = 120
_COUNTERS = ("_total", "_bucket", "_sum", "_count")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> Any:
    return json.loads((MONITORING / "grafana/dashboards/connector.json").read_text(encoding="utf-8"))


def expressions() -> list[str]:
    """All PromQL that the project has: of rules, dashboard and documents."""
    shown = dashboard()
    asked = [target["expr"] for panel in shown["panels"] for target in panel.get("targets", ())]
    asked += [it["expr"] for it in shown["annotations"]["list"]]
    recipes = [text for name, text in RECIPES.items() if name.endswith(".promql")]
    return [*(rule["expr"] for rule in rules()), *asked, *recipes]


def firing(directory: Path, scrapes: Sequence[Scraped], since: float) -> set[str]:
    """Names of the alerts that fire at some time. `since` is the wall clock at the first scrape.

    A unit test that expects none says what it got instead.
    """
    used = set(re.findall(r"\b[a-z_]{3,}\b", " ".join(rule["expr"] for rule in rules())))
    series = sorted({it for scraped in scrapes for it in scraped.values if it[0] in used}, key=repr)
    given = [{"series": _name(*it), "values": _values(*it, scrapes, since)} for it in series]
    given.append({"series": _name("up", frozenset()), "values": f"1x{len(scrapes) + _STAYS_MINUTES}"})
    expected = {
        "expr": f'max_over_time(ALERTS{{alertstate="firing"}}[{len(scrapes) + _STAYS_MINUTES}m])',
        "eval_time": f"{len(scrapes) + _STAYS_MINUTES - 1}m",
        "exp_samples": [],
    }
    test = {"interval": "1m", "input_series": given, "promql_expr_test": [expected]}
    file = directory / "scraped.test.yml"
    file.write_text(
        json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}), encoding="utf-8"
    )
    ended = promtool("test", "rules", file)
    found = set(re.findall(r'alertname="(\w+)"', ended.stdout + ended.stderr))
    assert (ended.returncode == 0) == (not found), ended.stdout + ended.stderr
    return found


def _name(name: str, labels: Labels) -> str:
    pairs = sorted({**TARGET, **dict(labels)}.items())
    return f"{name}{{{','.join(f'{key}={json.dumps(value)}' for key, value in pairs)}}}"


def _values(name: str, labels: Labels, scrapes: Sequence[Scraped], since: float) -> str:
    """Times are shifted, because promtool's clock begins at 0 with the first scrape."""
    found = [scraped.values.get((name, labels)) for scraped in scrapes]
    if name.endswith("timestamp_seconds"):
        found = [value and value - since for value in found]
    shown = ["_" if value is None else f"{value:.6f}" for value in found]
    first, last = next((it for it in found if it is not None), 0.0), found[-1]
    step = 0.0 if last is None or not name.endswith(_COUNTERS) else max(last - first, 0.0) / max(len(found) - 1, 1)
    return " ".join([*shown, "_" if last is None else f"{last:.6f}+{step:.6f}x{_STAYS_MINUTES}"])
