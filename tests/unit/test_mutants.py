"""The list of explained mutants is compared with the code by what a mutant changes, not by its number."""

import ast

from tests.mutants import EXPLAINED, Mutant, explained, of

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
    root = EXPLAINED.parent.parent
    for mutant in explained(EXPLAINED.read_text(encoding="utf-8")):
        module, _, function = mutant.function.partition(".")
        tree = ast.parse((root / "connector" / "domain" / f"{module}.py").read_text(encoding="utf-8"))
        assert function in {it.name for it in tree.body if isinstance(it, ast.FunctionDef)}, mutant
