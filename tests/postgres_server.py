"""A real PostgreSQL server for tests: given, or started from programs on this machine, and killed and restarted."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from tests.qdrant_server import free_port
from tests.waiting import wait_until

START_SEC = 60
STOP_SEC = 30
PASSWORD = "pass/word@test-7431"
_SETTINGS = {
    "fsync": "off",  # a crash of the server, not of the machine, loses nothing
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
    "autovacuum_naptime": "5",
}


class NoPostgresError(Exception):
    """No PostgreSQL is available for tests; the message says why."""


def programs() -> Path:
    """The directory of `initdb` and `postgres`. Raises NoPostgresError."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise NoPostgresError("no PostgreSQL for tests: install Debian's package postgresql, or set POSTGRES_URL")


def given_url() -> str | None:
    """The database that the tests are given with POSTGRES_URL: they make schemas of their own in it."""
    return os.environ.get("POSTGRES_URL") or None


def server_account() -> str | None:
    """The user to run as: PostgreSQL refuses to run as root. None for the same user."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def as_account(*command: str | Path) -> list[str | Path]:
    """A command line that runs this one as `server_account`, in the same process.

    Not `Popen(user=…)`: that forks, and with threads of gRPC in this process the child sometimes crashes at once.
    """
    account = server_account()
    if account is None:
        return [*command]
    become = "import os, sys; os.setuid(int(sys.argv[1])); os.execv(sys.argv[2], sys.argv[2:])"
    return [sys.executable, "-ISc", become, str(pwd.getpwnam(account).pw_uid), *command]


@dataclass(slots=True)
class PostgresServer:
    """One server on loopback and on a socket in its directory. Keeps its port across restarts."""

    directory: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Over the socket, without a password."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.directory), safe='')}&port={self.port}"

    @property
    def tcp_url(self) -> str:
        """Over loopback, with a password."""
        return f"postgresql://postgres:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make the data directory. All directories above it must be open to the account of the server."""
        account = server_account()
        self.directory.mkdir(parents=True, exist_ok=True)
        if account:
            shutil.chown(self.directory, account)
        secret = self.directory / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        if account:
            shutil.chown(secret, account)
        ways = ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"]
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C", *ways)

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def start(self) -> None:
        """Returns when it accepts connections."""
        options = {
            **_SETTINGS,
            **self.settings,
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory),
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                as_account(programs() / "postgres", "-D", self.data, *arguments),
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )
        wait_until(self._answers, START_SEC, "PostgreSQL accepts connections")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast, it ends all sessions. SIGQUIT: immediate, like a crash."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(STOP_SEC)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self.directory / "log").read_text(encoding="utf-8")
        try:
            with psycopg.connect(self.url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            as_account(programs() / program, *arguments),
            cwd=self.directory,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def postgres_for_tests(**settings: str) -> Iterator[PostgresServer]:
    """A server that was started, in a directory of its own; both are gone at the end."""
    programs()
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108  the same
    directory = base / f"connector-pg-{uuid.uuid4().hex[:8]}"
    server = PostgresServer(directory, settings=settings)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        wait_until(lambda: _is_removed(directory), STOP_SEC, "its last processes have ended")


def _is_removed(directory: Path) -> bool:
    shutil.rmtree(directory, ignore_errors=True)
    return not directory.exists()


def with_schema(url: str, schema: str) -> str:
    """The URL with a schema for the ledger."""
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"
