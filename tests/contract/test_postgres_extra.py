"""Without the extra `postgres`, SQLite works, and PostgreSQL says what to install."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
sys.modules["psycopg"] = None
from connector.__main__ import main
sys.argv = ["connector", *sys.argv[1:]]
main()
"""


def run(directory: Path, url: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "CONNECTOR_LEDGER_URL": url}
    arguments = [sys.executable, "-c", SCRIPT, "status", "--json"]
    return subprocess.run(arguments, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def test_it_says_what_to_install(tmp_path: Path) -> None:
    ended = run(tmp_path, "postgresql://user:secret-7@127.0.0.1/d")

    assert ended.returncode == 2
    assert "pip install 'twelvelabs-qdrant-connector[postgres]'" in ended.stderr
    assert "postgresql://user:***@127.0.0.1/d" in ended.stderr
    assert "secret-7" not in ended.stderr


def test_the_file_needs_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "sqlite").returncode == 0
