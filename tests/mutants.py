"""Compares the mutants that no test detected with the explained ones in tests/mutants.toml: `make mutants`.

A mutant is identified by its function and its changed lines, because numbers and line numbers change.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

EXPLAINED = Path(__file__).with_name("mutants.toml")
MUTMUT = Path(sys.executable).with_name("mutmut")
UNNOTICED = ("survived", "no tests", "suspicious", "not checked")


class Mutant(NamedTuple):
    function: str
    before: str
    after: str


def survivors() -> Iterator[Mutant]:
    for line in _mutmut("results").splitlines():
        name, _, result = line.strip().partition(": ")
        if result in UNNOTICED:
            yield of(name, _mutmut("show", name))


def of(name: str, diff: str) -> Mutant:
    """The mutant in a diff; mutmut names it `package.module.x_function__mutmut_7`."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    before, after = ("\n".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return Mutant(name.partition("__mutmut_")[0].removeprefix("connector.domain.").replace(".x_", "."), before, after)


def explained(text: str) -> set[Mutant]:
    return {Mutant(it["function"], it["before"], it["after"]) for it in tomllib.loads(text)["mutant"] if it["why"]}


def _mutmut(*arguments: str) -> str:
    return subprocess.run([MUTMUT, *arguments], capture_output=True, text=True, check=True).stdout


def main() -> int:
    found, known = set(survivors()), explained(EXPLAINED.read_text(encoding="utf-8"))
    for title, mutants in (("Not noticed by a test", found - known), ("Explained, but noticed", known - found)):
        for mutant in sorted(mutants):
            sys.stdout.write(f"{title}: {mutant.function}\n  - {mutant.before}\n  + {mutant.after}\n")
    sys.stdout.write(f"{len(found)} survivors, {len(found & known)} of them explained\n")
    return int(found != known)


if __name__ == "__main__":
    sys.exit(main())
