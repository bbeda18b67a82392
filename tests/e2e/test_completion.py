"""Shell completion, as a shell asks for it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import TIMEOUT_SEC, Command


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A home directory with the program `connector` in it."""
    program = tmp_path / "connector"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m connector "$@"\n')
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("connector quar", {"quarantine"}),
        ("connector quarantine ", {"list", "retry", "drop"}),
        ("connector search --li", {"--limit"}),
        ("connector sync --allow", {"--allow-deletes"}),
    ],
)
def test_what_is_offered(tmp_path: Path, typed: str, offered: set[str]) -> None:
    words = typed.split(" ")

    ended = Command(tmp_path).run(_CONNECTOR_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1))

    assert (ended.code, ended.stderr) == (0, "")
    assert set(ended.stdout.split()) == offered


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_after_the_installation(shell: Path) -> None:
    script = (
        'connector --show-completion > shown && connector --install-completion >/dev/null && . "$HOME/.bashrc"\n'
        "COMP_WORDS=(connector heal); COMP_CWORD=1\n"
        '_connector_completion connector; echo "${COMPREPLY[@]}"; complete -p connector\n'
    )

    ended = subprocess.run(
        ["/bin/bash", "--norc", "-c", script],
        cwd=shell,
        env={"HOME": str(shell), "PATH": f"{shell}:/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SEC,
        check=False,
    )

    assert ended.stdout.splitlines()[0] == "healthcheck", ended.stderr
    assert "-F _connector_completion connector" in ended.stdout
    assert "complete -o default -F _connector_completion connector" in (shell / "shown").read_text()
