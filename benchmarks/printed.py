"""Small benchmarks that print their result as lines of text."""

import io
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any


def result(main: Callable[[], None]) -> dict[str, Any]:
    with redirect_stdout(io.StringIO()) as printed:
        main()
    return {"lines": [line.strip() for line in printed.getvalue().splitlines()]}


def show(result: Mapping[str, Any]) -> str:
    return "\n".join(f"* {line}" for line in result["lines"]) + "\n"
