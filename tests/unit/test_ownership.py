"""One process owns a ledger; the lock ends with the process, however that ends."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.ledger.sqlite.lock import hold_lock, owning_command, recorded_owner
from tests.full_disk import no_space

HOLD = """
import sys
from pathlib import Path
from connector.ledger.sqlite.lock import hold_lock
with hold_lock(Path(sys.argv[1]), "run"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.lock"


@contextmanager
def other_owner(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its stdin ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_second_owner_is_refused_by_the_name_of_the_first(path: Path) -> None:
    with other_owner(path) as process, pytest.raises(LedgerUnavailable) as refused, hold_lock(path, "sync"):
        pytest.fail("two processes own the ledger")
    assert f"it belongs to `connector run`, process {process.pid} on " in str(refused.value)
    assert str(refused.value).startswith(f"lock ledger {path}: ")
    assert refused.value.advice == "Wait until it ends"


def test_a_full_disk_is_no_bug(path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="lock ledger") as refused, no_space(), hold_lock(path, "sync"):
        pytest.fail("the owner was not recorded")
    assert "free space" in refused.value.advice
    with hold_lock(path, "sync"):
        assert owning_command(path) == "sync"


def test_a_killed_owner_owns_nothing(path: Path) -> None:
    with other_owner(path) as process:
        process.kill()
        process.wait()
        with hold_lock(path, "sync"):
            assert "`connector sync`" in recorded_owner(path)


def test_an_owner_that_ends_leaves_no_name(path: Path) -> None:
    with other_owner(path) as process:
        process.communicate("")
        assert (process.returncode, path.read_text()) == (0, "")
        with hold_lock(path, "sync"):
            pass


def test_a_failure_while_owning_releases(path: Path) -> None:
    with pytest.raises(RuntimeError), hold_lock(path, "sync"):
        raise RuntimeError
    with hold_lock(path, "sync"):
        assert "`connector sync`" in recorded_owner(path)


def test_the_refused_one_does_not_take_the_holders_name(path: Path) -> None:
    with hold_lock(path, "run"):
        for _ in range(2):
            with pytest.raises(LedgerUnavailable, match="`connector run`"), hold_lock(path, "sync"):
                pytest.fail("it was owned twice")


def test_the_owner_can_be_asked_for(path: Path) -> None:
    assert owning_command(path) is None
    with other_owner(path):
        assert owning_command(path) == "run"
    assert owning_command(path) is None
    with hold_lock(path, "sync"):
        assert owning_command(path) == "sync"


@pytest.mark.parametrize("content", ["", "no JSON", "{}", "[]", '{"command": "run"}', "\udcff"])
def test_a_holder_that_is_not_known_is_still_somebody(path: Path, content: str) -> None:
    path.write_bytes(content.encode(errors="surrogateescape"))
    assert recorded_owner(path) == "another process"


def test_a_directory_that_cannot_hold_the_lock_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "ledger.lock"
    advice = r"Make the directory writable.*CONNECTOR_DATA_DIR"
    with pytest.raises(LedgerUnavailable, match=advice) as refused, hold_lock(path, "sync"):
        pytest.fail("it was owned")
    assert refused.value.subject == str(path)
