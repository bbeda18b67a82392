"""Prometheus' own checks, by its program promtool."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_SEC = 60


def promtool(
    *arguments: str | Path, stdin: str = "", directory: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run it. Without it the test is skipped; in CI it fails, because a skipped test proves nothing."""
    program = shutil.which("promtool")
    if program is None:
        reason = "promtool is not installed; Debian's package prometheus has it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return subprocess.run(
        [program, *arguments], input=stdin, cwd=directory, capture_output=True, text=True, timeout=_SEC, check=False
    )
