"""docs/runbook.md has an entry for each exit code, error code, warning and alert, and for nothing else."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import connector
from connector.cli.output import Exit
from connector.domain.errors import ConnectorError, TransientError
from connector.telemetry import event_log
from tests.e2e.pages import ROOT, code, section

PAGE = "docs/runbook.md"
NEVER_RAISED = (ConnectorError, TransientError)
"""Only their subclasses are."""
NOT_OF_AN_ERROR = {
    "foreign_host",
    "foreign_site",
    "interrupted",
    "not_confirmed",
    "not_found",
    "token_required",
    "usage_error",
    "withheld",
}
"""Codes without a class."""
LEVELS = {"warning", "error", "exception", "critical"}
ENDS = {"index.recovered", "index_discovery.recovered", "source.recovered", "qdrant.recovered", "ledger.recovered"}
ENDS |= {
    "leases.recovered",
    "replica.recovered",
    "ledger.lease_recovered",
    "deletes.released",
    "qdrant.grpc_reached",
    "tracing.recovered",
}
"""Events that say that all is well again."""


def parts(heading: str) -> list[str]:
    """The headings of the entries below a heading of the page."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, heading
    return re.findall(r"^### (.+)$", found[1], re.MULTILINE)


EXITS, CODES, EVENTS = parts("Exit codes"), parts("Error codes"), parts("Log events")
ALERTS = parts("Alerts")


def modules() -> list[str]:
    """Those of the connector; the simulator has neither such codes nor a log."""
    names = [it.name for it in pkgutil.walk_packages(connector.__path__, "connector.")]
    return [name for name in names if not name.startswith(("connector.simulator", "connector.__main__"))]


def nodes() -> Iterator[ast.AST]:
    for name in modules():
        place = ROOT.joinpath(*name.split("."))
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        yield from ast.walk(ast.parse(Path(file).read_text(encoding="utf-8")))


NODES = list(nodes())
CALLS = [node for node in NODES if isinstance(node, ast.Call)]
TEXTS = {node.value for node in NODES if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def subclasses(of: type[ConnectorError]) -> set[type[ConnectorError]]:
    return {of}.union(*(subclasses(it) for it in of.__subclasses__()))


def logged() -> Iterator[ast.expr]:
    """The names of the events that are logged at WARNING or above."""
    for call in CALLS:
        levels = {it.attr for it in ast.walk(call.func) if isinstance(it, ast.Attribute)}
        loggers = {it.id.lstrip("_") for it in ast.walk(call.func) if isinstance(it, ast.Name)}
        if levels & LEVELS and loggers & {"log", "structlog"}:
            yield call.args[0]


def events() -> set[str]:
    literal = {it.value for it in logged() if isinstance(it, ast.Constant) and isinstance(it.value, str)}
    warned = {f"asset.{outcome}" for outcome, level in event_log._LEVELS.items() if level == "warning"}
    return literal | warned | {*event_log._UNREACHABLE.values(), *event_log._RECOVERED.values()}


def test_every_exit_code_has_an_entry() -> None:
    assert [f"Exit {int(it)}" for it in Exit] == EXITS


def test_every_error_code_has_an_entry() -> None:
    for name in modules():
        importlib.import_module(name)
    ours = {it for it in subclasses(ConnectorError) if it.__module__.startswith("connector.")}
    codes = {it.code for it in ours} - {it.code for it in NEVER_RAISED}

    assert sorted(CODES) == sorted(f"`{it}`" for it in codes | NOT_OF_AN_ERROR)


def test_what_has_no_entry_is_never_raised() -> None:
    functions = [call.func for call in CALLS]
    functions += [it for func in functions if isinstance(func, ast.IfExp) for it in (func.body, func.orelse)]
    made = {func.id for func in functions if isinstance(func, ast.Name)}

    assert made >= {"AssetError", "CycleError"}
    assert made.isdisjoint(it.__name__ for it in NEVER_RAISED)


def test_every_code_without_a_class_is_one_of_the_program() -> None:
    assert TEXTS >= NOT_OF_AN_ERROR


def test_every_code_in_the_program_has_an_entry() -> None:
    """Whoever writes a new one as text: `{"code": "…"}`, or an error response of a listener."""
    pairs = [zip(node.keys, node.values, strict=True) for node in NODES if isinstance(node, ast.Dict)]
    in_dicts = [value for pair in pairs for key, value in pair if isinstance(key, ast.Constant) and key.value == "code"]
    helpers = {"_print_error": 0, "_refused": 1}
    in_calls = [
        call.args[helpers[call.func.id]]
        for call in CALLS
        if isinstance(call.func, ast.Name) and call.func.id in helpers and len(call.args) > helpers[call.func.id]
    ]
    texts = [it.value for it in (*in_dicts, *in_calls) if isinstance(it, ast.Constant)]
    written = {f"`{it}`" for it in texts if isinstance(it, str)}

    assert {"`usage_error`", "`not_confirmed`", "`foreign_host`", "`internal_error`"} <= written
    assert written <= set(CODES)


def test_every_warning_has_an_entry() -> None:
    assert sorted(EVENTS) == sorted(f"`{it}`" for it in events())


def test_every_alert_has_an_entry() -> None:
    rules = yaml.safe_load((ROOT / "deploy/monitoring/alerts.yml").read_text(encoding="utf-8"))

    assert [f"`{rule['alert']}`" for group in rules["groups"] for rule in group["rules"]] == ALERTS


def test_no_event_is_named_in_a_way_that_this_test_does_not_see() -> None:
    computed = {ast.unparse(it) for it in logged() if not isinstance(it, ast.Constant)}

    assert computed == {"_UNREACHABLE[side]", "_RECOVERED[side]"}


@pytest.mark.parametrize("heading", [*EXITS, *CODES, *EVENTS, *ALERTS])
def test_an_entry_says_what_to_do_and_when_to_worry(heading: str) -> None:
    text = section(PAGE, heading)
    ends = heading.strip("`") in ENDS
    quiet = ends or heading == "Exit 0"

    assert text.strip()
    assert len(text.split()) <= 80, "an entry is short"
    assert [it for it in ("**Do:**", "**Worry:**") if it in text] == ([] if quiet else ["**Do:**", "**Worry:**"])
    assert not ends or code(text)


def test_the_ends_are_events() -> None:
    assert {f"`{it}`" for it in ENDS} <= set(EVENTS)
