"""A pooler between connector and PostgreSQL. Sessions must stay as they are: transaction pooling is refused."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from connector.domain.errors import ConfigError
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.ledger_opening import inspected, open_store, owned
from tests.postgres_server import as_account, with_schema
from tests.qdrant_server import free_port
from tests.waiting import wait_until

START_SEC, STOP_SEC = 30, 10


@contextmanager
def pooler(postgres: str, mode: str) -> Iterator[str]:
    """The URL of a pgbouncer before this database."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if not program:
        pytest.skip("no pgbouncer on this machine: Debian's package pgbouncer has it")
    target, port = psycopg.conninfo.conninfo_to_dict(postgres), free_port()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        users = directory / "users"
        users.write_text(f'"{target["user"]}" "{target.get("password", "")}"\n', encoding="utf-8")
        settings = directory / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={target['host']} port={target['port']}\n[pgbouncer]\npool_mode = {mode}\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {users}\nignore_startup_parameters = extra_float_digits\n",
            encoding="utf-8",
        )
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(as_account(program, settings), stderr=log, stdout=log)
        try:
            url = f"postgresql://{target['user']}@127.0.0.1:{port}/{target['dbname']}"
            wait_until(lambda: _answers(url), START_SEC, "pgbouncer accepts connections")
            yield url
        finally:
            process.terminate()
            process.wait(STOP_SEC)


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


async def test_session_pooling_works(postgres: str, postgres_ledger: str, tmp_path: Path) -> None:
    schema = postgres_ledger.rpartition("%3D")[2]
    with pooler(postgres, "session") as url:
        place = LedgerPlace(tmp_path, with_schema(url, schema))
        async with owned(place, "run", 0) as lease, open_store(place, lease=lease) as ledger:
            await ledger.open("i", "a", ["c"])
            assert "session pooling or none" in await inspected(place)
            assert await ledger.ids("i") == {"a"}


async def test_transaction_pooling_is_refused(postgres: str, postgres_ledger: str, tmp_path: Path) -> None:
    schema = postgres_ledger.rpartition("%3D")[2]
    with pooler(postgres, "transaction") as url:
        place = LedgerPlace(tmp_path, with_schema(url, schema))
        refusal = r"gives each transaction another session.*Use pool_mode session"
        with pytest.raises(ConfigError, match=refusal):
            await inspected(place)
        with pytest.raises(ConfigError, match=refusal):
            async with owned(place, "run", 0):
                pass
