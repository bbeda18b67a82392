"""The search for secrets in the output of commands can fail: in each stream, in each form, and in a whole test run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.fork_server import ROOT
from tests.secret_search import SecretSearch, holds, secrets_in

SECRET = "tlk-very'secret/key+1="
LEAKY = """
import os, sys
print(os.environ["TWELVELABS_API_KEY"] if "stdout" in sys.argv else "fine")
print(os.environ["TWELVELABS_API_KEY"] if "stderr" in sys.argv else "fine", file=sys.stderr)
"""
RUN = """
import pytest
from pathlib import Path
from tests.command import Command, end
from tests.conftest import no_secrets, no_secrets_at_the_end
from tests.terminal import on_terminal

@pytest.fixture
def leaky(tmp_path):
    (tmp_path / "leaky.py").write_text(Path(__file__).with_name("leaky.txt").read_text())
    return Command(tmp_path, {"TWELVELABS_API_KEY": "tlk-secret-key"}, module="leaky")

def test_silent(leaky):
    assert leaky.run().code == 0

def test_run(leaky):
    assert leaky.run("stdout").code == 0

def test_start(leaky):
    assert end(leaky.start("stderr")).code == 0

def test_terminal(leaky):
    assert on_terminal(leaky, "stderr").code == 0

def test_log(leaky):
    with (leaky.directory / "its.log").open("w") as log:
        assert end(leaky.start("stderr", stderr=log)).code == 0

def test_after_another_one_leaked():
    pass
"""


def test_a_test_fails_whose_command_leaks(tmp_path: Path) -> None:
    """Each way in which tests start a command."""
    (tmp_path / "test_leaks.py").write_text(RUN)
    (tmp_path / "leaky.txt").write_text(LEAKY)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-rA", "-q", "test_leaks.py"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    failed = {line.partition("::")[2].split()[0] for line in ended.stdout.splitlines() if line.startswith("ERROR ")}
    assert failed == {"test_run", "test_start", "test_terminal", "test_log"}, ended.stdout
    assert "a started command leaked secrets: TWELVELABS_API_KEY in its.log" in ended.stdout


@pytest.mark.parametrize(
    "text",
    [SECRET, repr(SECRET), json.dumps({"key": SECRET}), quote(SECRET), quote(SECRET, safe=""), quote_plus(SECRET)],
)
def test_each_form_of_a_secret_is_found(text: str) -> None:
    assert holds(f"before {text} after", SECRET)


def test_parts_of_a_secret_are_not(tmp_path: Path) -> None:
    assert not holds(f"{SECRET[:-1]} [secret] {SECRET[1:]}", SECRET)


def test_every_secret_setting_is_searched_for_also_in_files(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-a-file\n")

    found = secrets_in(
        {
            "TWELVELABS_API_KEY_FILE": str(file),
            "QDRANT_API_KEY": "qdrant-key",
            "CONNECTOR_WEBHOOK_SECRET": "whsec-key",
            "CONNECTOR_HTTP_TOKEN": "token-token",
            "CONNECTOR_INDEXES": "no secret",
        }
    )

    assert found == {
        "TWELVELABS_API_KEY": "from-a-file",
        "QDRANT_API_KEY": "qdrant-key",
        "CONNECTOR_WEBHOOK_SECRET": "whsec-key",
        "CONNECTOR_HTTP_TOKEN": "token-token",
    }
    assert secrets_in({"QDRANT_API_KEY": "short"}) == {}, "it is not masked either"


def test_a_log_that_grows_is_read_again(tmp_path: Path) -> None:
    search, log = SecretSearch(), tmp_path / "daemon.log"
    search.writes({"QDRANT_API_KEY": "qdrant-key"}, log)

    assert search.leaks() == []
    log.write_text("fine\n")
    assert search.leaks() == []
    log.write_text("fine\nqdrant-key\n")
    assert search.leaks() == ["QDRANT_API_KEY in daemon.log"]
    assert search.leaks() == [], "it is told once"
