"""Explained mutants are matched to the code by the changed lines, not by their numbers."""

import ast
import tomllib
from pathlib import Path
from typing import Any

from tests.mutants import EXPLAINED, Mutant, explained, of

ROOT = EXPLAINED.parents[1]
NOT_MUTATED = {
    "arrays",
    "__init__",
    "activity",
    "errors",
    "events",
    "index_settings",
    "ledger_model",
    "ledger_place",
    "mapped_memory",
    "masking",
    "network_variables",
    "policy",
    "postgres_url",
    "priority",
    "query_media",
    "search_scope",
    "server_url",
    "sink_model",
    "source_model",
}

DIFF = """\
--- connector/domain/attempts.py
+++ connector/domain/attempts.py
@@ -1,3 +1,3 @@
 def failed(attempt: Attempt) -> float:
-    return attempt.due
+    return None
"""


def test_a_mutant_is_known_by_its_function_and_its_lines() -> None:
    name = "connector.domain.attempts.x_failed__mutmut_15"

    assert of(name, DIFF) == Mutant("attempts.failed", "return attempt.due", "return None")


def test_a_mutant_without_a_reason_is_not_explained() -> None:
    listed = '[[mutant]]\nfunction = "f"\nbefore = "1"\nafter = "2"\nwhy = {}\n'

    assert explained(listed.format('"it is the same"')) == {Mutant("f", "1", "2")}
    assert explained(listed.format('""')) == set()


def test_what_is_explained_is_still_in_the_code() -> None:
    for mutant in explained(EXPLAINED.read_text(encoding="utf-8")):
        module, _, function = mutant.function.partition(".")
        tree = ast.parse((ROOT / "connector" / "domain" / f"{module}.py").read_text(encoding="utf-8"))
        assert function in {it.name for it in tree.body if isinstance(it, ast.FunctionDef)}, mutant


def configured() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    return found


def test_every_module_of_decisions_is_mutated() -> None:
    mutated = {Path(name).stem for name in configured()["only_mutate"]}

    assert mutated | NOT_MUTATED == {file.stem for file in (ROOT / "connector" / "domain").glob("*.py")}
    assert mutated & NOT_MUTATED == set()


def test_the_tests_that_run_for_a_mutant_exist() -> None:
    """And the list includes all tests of each mutated module."""
    tests = set(configured()["pytest_add_cli_args_test_selection"])
    parts = {
        str(file.relative_to(ROOT)) for name in configured()["only_mutate"] for file in files_about(Path(name).stem)
    }

    assert {name for name in tests if not (ROOT / name).exists()} == set()
    assert parts - tests == set()


def files_about(module: str) -> list[Path]:
    directory = ROOT / "tests" / "unit"
    return [*directory.glob(f"test_{module}.py"), *directory.glob(f"test_{module}_*.py")]
