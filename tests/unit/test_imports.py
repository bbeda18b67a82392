"""Imports go downwards only. The floors, from the ground up; a name stands for a module or a whole package."""

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FLOORS = (
    ("connector",),
    ("masking",),
    ("errors", "model", "marengo", "timestamps", "early_signals"),
    ("fingerprint", "segments", "ledger_rows"),
    ("metadata",),
    ("points", "refresh", "attempts", "stored_times", "watermark"),
    ("plan",),
    ("ports", "index_settings", "report"),
    ("claims",),
    ("reconcile", "apply", "workers"),
    ("survey",),
    ("engine",),
    ("sqlite_file", "signatures", "cron", "setting_ranges", "repeats"),
    ("toml_types", "connections"),
    ("setting_types", "setting_sources", "simulator"),
    ("twelvelabs", "qdrant", "checkpoints", "orders", "ownership", "settings", "webhooks"),
    ("index_loop", "index_states", "operations", "schedule", "readiness", "web", "listener"),
    ("app", "telemetry"),
    ("execution",),
    ("daemon",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
CORE = FLOORS[: FLOORS.index(("engine",)) + 1]
CORE_USES = {"msgspec", "numpy"}

# What is imported -> the only places that may.
ONLY = {
    "httpx": {"connector.twelvelabs.transport", "connector.simulator.webhooks"},
    "qdrant_client": {"connector.qdrant"},
    "pydantic": {"connector.settings", "connector.setting_types", "connector.qdrant.failures"},
    "pydantic_settings": {"connector.settings", "connector.setting_types"},
    "dotenv": {"connector.setting_sources"},
    "typer": {"connector.cli", "connector.commands"},
    "rich": {"connector.commands"},
    "connector.twelvelabs": {"connector.twelvelabs", "connector.app"},
    "connector.qdrant": {"connector.qdrant", "connector.app"},
    "connector.cli": {"connector.__main__"},
}
ENVIRONMENT_READER = "connector.settings"

Imports = Mapping[str, Collection[str]]


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module_name(file): ast.parse(file.read_text(encoding="utf-8")) for file in ROOT.glob("connector/**/*.py")}


def imported(tree: ast.Module, modules: Collection[str]) -> Iterator[str]:
    """Everything that is imported anywhere in a file; `from package import module` is an import of the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in modules else base


IMPORTS: Imports = {module: sorted(set(imported(tree, TREES))) for module, tree in TREES.items()}


def floor_of(module: str) -> int:
    unit = module.split(".")[1] if "." in module else module
    return next((height for height, floor in enumerate(FLOORS) if unit in floor), -1)


def own(imports: Imports) -> Iterator[tuple[str, str]]:
    """(module, module of ours that it imports)."""
    return ((module, name) for module, names in imports.items() for name in names if within(name, "connector"))


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def unit_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def upward(imports: Imports) -> list[str]:
    """Imports that do not go down. Inside one package there are no floors, only the ban on cycles."""
    return [
        f"{module} imports {name}"
        for module, name in own(imports)
        if unit_of(module) != unit_of(name) and floor_of(module) <= floor_of(name)
    ]


def cycle(imports: Imports) -> list[str]:
    """The modules of one cycle, empty when there is none."""
    graph: dict[str, set[str]] = {module: set() for module in imports}
    for module, name in own(imports):
        graph[module].add(name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_has_its_floor() -> None:
    assert [module for module in IMPORTS if floor_of(module) < 0] == []
    assert {"connector.plan", "connector.engine", "connector.qdrant.sink"} <= IMPORTS.keys()


def test_imports_go_downwards_only() -> None:
    assert upward(IMPORTS) == []


def test_no_modules_import_each_other() -> None:
    assert cycle(IMPORTS) == []


def test_imports_are_absolute() -> None:
    assert [module for module, names in IMPORTS.items() if any(name.startswith(".") for name in names)] == []


@pytest.mark.parametrize("what", ONLY)
def test_imported_only_where_it_belongs(what: str) -> None:
    users = {module for module, names in IMPORTS.items() if any(within(name, what) for name in names)}
    assert users
    assert {user for user in users if not any(within(user, place) for place in ONLY[what])} == set()


def test_the_core_knows_no_vendor() -> None:
    """Below the adapters there are the standard library, arrays and canonical JSON."""
    core = {module: names for module, names in IMPORTS.items() if 0 <= floor_of(module) < len(CORE)}
    used = {(module, name.split(".")[0]) for module, names in core.items() for name in names}
    allowed = sys.stdlib_module_names | CORE_USES | {"connector"}
    assert {(module, name) for module, name in used if name not in allowed} == set()


def test_the_simulator_is_a_program_of_its_own() -> None:
    others = {
        name
        for module, name in own(IMPORTS)
        if within(module, "connector.simulator") and not within(name, "connector.simulator")
    }
    assert others - {"connector"} == set()


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        or (isinstance(node, ast.ImportFrom) and node.module == "os")
    }
    assert readers == {ENVIRONMENT_READER}


@pytest.mark.parametrize(
    ("lower", "higher"),
    [pair for below, above in pairwise(FLOORS[1:]) for pair in ((below[0], above[0]), (below[-1], above[-1]))],
)
def test_an_upward_import_would_be_found(lower: str, higher: str) -> None:
    assert upward({f"connector.{lower}": [f"connector.{higher}"]}) == [f"connector.{lower} imports connector.{higher}"]
    assert upward({f"connector.{higher}": [f"connector.{lower}", "numpy"]}) == []


def test_neighbours_on_a_floor_do_not_know_each_other() -> None:
    assert upward({"connector.qdrant.sink": ["connector.twelvelabs.wire"]})
    assert not upward({"connector.qdrant.sink": ["connector.qdrant.requests"]})


def test_a_cycle_would_be_found() -> None:
    assert set(cycle({"connector.a": ["connector.b"], "connector.b": ["connector.a"]})) == {
        "connector.a",
        "connector.b",
    }


def test_an_import_inside_a_function_counts() -> None:
    tree = ast.parse("def f():\n    from connector import engine\n    import httpx.x\n")
    assert list(imported(tree, {"connector.engine"})) == ["connector.engine", "httpx.x"]
