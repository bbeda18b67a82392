"""Keeps the figures: as JSON in benchmarks/results, as tables and plots in docs."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.catalog import CATALOG

ROOT = Path(__file__).parent.parent
RESULTS, DOCS, IMAGES = ROOT / "benchmarks/results", ROOT / "docs", ROOT / "docs/images"


def save(name: str, result: Mapping[str, Any]) -> None:
    """Writes the figures of one benchmark; the rest of the page stays as it is."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for file, picture in CATALOG[name].plots(dict(result)).items():
        (IMAGES / file).write_text(picture, encoding="utf-8")
    page = DOCS / CATALOG[name].page
    page.write_text(filled(page.read_text(encoding="utf-8"), name, shown(name, result)), encoding="utf-8")


def shown(name: str, result: Mapping[str, Any]) -> str:
    """Plots and tables of one benchmark, and on what they were measured."""
    benchmark, facts = CATALOG[name], result["machine"]
    plots = "\n".join(f"![{benchmark.title}](images/{file})" for file in benchmark.plots(dict(result)))
    where = (
        f"Measured on {facts['cores']} shared cores ({facts['processor']}), Python {facts['python']},"
        f" load average {facts['load_at_start']} at the start."
    )
    return "\n\n".join(part.strip() for part in (plots, benchmark.show(dict(result)), where) if part)


def filled(text: str, name: str, content: str) -> str:
    """Replace what stands between the two marks of this name. Raises ValueError if they are not there."""
    marks = re.compile(rf"(<!-- bench: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marks.search(text):
        raise ValueError(f"the page has no place for {name}: add <!-- bench: {name} --> and <!-- end -->")
    return marks.sub(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text, count=1)
