"""Draws demo.svg: what `make demo` prints, without the tail of the long payload and without the times that vary."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

WIDTH = 104
PICTURE = Path(__file__).with_name("demo.svg")

_PAYLOAD_LINES = 6
"""Number of payload lines in the picture."""
_WEB_FONTS = re.compile(r"\s*@font-face \{\{.*?\}\}", re.DOTALL)
"""Removed, because a picture in a README cannot load fonts."""


def excerpt(printed: str) -> Iterator[str]:
    """The lines that the picture shows."""
    payload = 0
    for line in printed.strip("\n").splitlines():
        plain = Text.from_ansi(line).plain
        payload = 1 if plain == "{" else payload and payload + 1
        if payload <= _PAYLOAD_LINES:
            yield re.sub(r", \d+\.\d s$", "", line)
        elif plain == "}":
            yield "  …"
            yield line
        if plain == "}":
            payload = 0


def draw(printed: str) -> str:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor", emoji=False)
    for line in excerpt(printed):
        console.print(Text.from_ansi(line), soft_wrap=True)
    return console.export_svg(title="make demo", unique_id="demo", code_format=_WEB_FONTS.sub("", CONSOLE_SVG_FORMAT))


if __name__ == "__main__":
    environment = {**os.environ, "COLUMNS": str(WIDTH), "FORCE_COLOR": "1"}
    command = [sys.executable, "-m", "connector", "demo"]
    demo = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if demo.returncode:
        sys.exit(demo.stderr)
    PICTURE.write_text(draw(demo.stdout), encoding="utf-8")
