"""`make bench` measures everything and writes the figures into docs; `--help` lists the names."""

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks import page
from benchmarks.catalog import CATALOG, Options
from benchmarks.processes import machine
from connector.telemetry.logs import set_up


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    names = "\n".join(f"  {name:<18}{benchmark.title}" for name, benchmark in CATALOG.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures the connector against the alternatives; needs a Qdrant server as the tests do.",
        epilog=f"names:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure; everything if there is none")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each contender (default: 3)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--save", action="store_true", help="write the figures into benchmarks/results and docs")
    found = parser.parse_args(given)
    if unknown := [name for name in found.names if name not in CATALOG]:
        parser.error(f"unknown name: {', '.join(unknown)}; choose from {', '.join(CATALOG)}")
    return found


def main() -> None:
    asked = arguments()
    set_up("warning")
    results = {}
    for name in asked.names or CATALOG:
        benchmark = CATALOG[name]
        print(f"{name}: {benchmark.title}", file=sys.stderr, flush=True)
        results[name] = {"machine": machine(), **benchmark.run(Options(asked.quick, asked.rounds))}
        if not asked.json:
            print(f"\n## {benchmark.title}\n\n{benchmark.show(results[name])}", flush=True)
        if asked.save:
            page.save(name, results[name])
    if asked.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
