"""Label values are few and stable: each operation of the adapters has a name, each status a code or a class."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.domain.report import CycleKind
from connector.telemetry.metric_labels import (
    COMPOSED,
    OTHER,
    RECURRING,
    SINK_OPERATIONS,
    SOURCE_OPERATIONS,
    kind_label,
    recurring_kind,
    sink_operation,
    source_operation,
    status_label,
)

ROOT = Path(__file__).parents[2]


def calls(package: str) -> Iterator[ast.Call]:
    for file in (ROOT / "connector" / package).rglob("*.py"):
        yield from (it for it in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(it, ast.Call))


def operation(argument: ast.expr) -> str | None:
    """A text, or the beginning of an f-string; None if it is passed on."""
    if isinstance(argument, ast.JoinedStr):
        argument = argument.values[0]
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None


def named(package: str, *functions: str) -> set[str]:
    """The first arguments of calls of these functions or methods."""
    found = set()
    for call in calls(package):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        keyword = [it.value for it in call.keywords if it.arg == "operation"]
        first = (*call.args, *keyword)[:1]
        if name in functions and first and (words := operation(first[0])):
            found.add(words.strip())
    return found


def test_every_operation_of_the_source_has_a_name() -> None:
    assert named("twelvelabs", "Call") == SOURCE_OPERATIONS.keys()


def test_every_operation_of_the_sink_has_a_name() -> None:
    assert named("qdrant", "call", "once") == SINK_OPERATIONS.keys()


def test_the_names_differ_and_are_in_the_style_of_prometheus() -> None:
    for names in (SOURCE_OPERATIONS.values(), SINK_OPERATIONS.values()):
        assert len(set(names)) == len(names)
        assert all(name.replace("_", "").islower() for name in names)
    assert set(SINK_OPERATIONS.values()) > COMPOSED


@pytest.mark.parametrize("key", ["revision", "user_metadata.category", "points by x"])
def test_no_payload_key_becomes_a_label(key: str) -> None:
    assert sink_operation(f"count points by {key} in collection") == "facet"
    assert sink_operation(f"index payload key {key} of collection") == "create_payload_index"


def test_what_is_not_known_is_other() -> None:
    assert (source_operation("sing"), sink_operation("sing")) == (OTHER, OTHER)


@pytest.mark.parametrize(
    ("status", "label"),
    [(None, "none"), (200, "200"), (429, "429"), (503, "503"), (299, "2xx"), (520, "5xx"), (999, "9xx")],
)
def test_a_status_is_a_code_or_a_class(status: int | None, label: str) -> None:
    assert status_label(status) == label


def test_each_kind_of_cycle_is_one_word() -> None:
    assert [it for it in map(kind_label, CycleKind) if not it.replace("_", "").isalpha()] == []


def test_full_cycles_and_polls_are_what_an_index_needs() -> None:
    found = {kind: recurring_kind(kind) for kind in CycleKind}

    assert {kind for kind, label in found.items() if label == "full_cycle"} == {"sync", "full cycle", "resumed cycle"}
    assert [kind for kind, label in found.items() if label == "poll"] == ["poll"]
    assert {label for label in found.values() if label} == set(RECURRING)
