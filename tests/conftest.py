"""Fixtures for all tests; each folder has its own in addition."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import stamina
from hypothesis import settings

from tests.postgres_server import NoPostgresError, PostgresServer, given_url, postgres_for_tests, with_schema
from tests.qdrant_server import (
    Endpoint,
    NoServerError,
    QdrantServer,
    drop_collections,
    find_binary,
    given_endpoint,
    server_for_tests,
)
from tests.secret_search import SEARCH

COLLECTION_PREFIX = f"test-{uuid.uuid4().hex[:12]}-"

# No deadlines: on a busy machine they fail without a fault in the code. Choose one with HYPOTHESIS_PROFILE.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile("thorough", deadline=None, derandomize=False, max_examples=2000, print_blob=True)
settings.register_profile("mutants", deadline=None, derandomize=True, database=None, max_examples=30)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev"))

ServerFactory = Callable[..., QdrantServer]


def _fail_if_secrets_leaked() -> None:
    if found := SEARCH.leaks():
        pytest.fail(f"a started command leaked secrets: {', '.join(found)}")


@pytest.fixture(autouse=True)
def no_secrets() -> Iterator[None]:
    """No command that a test starts prints or logs a secret that it was given."""
    yield
    _fail_if_secrets_leaked()


@pytest.fixture(autouse=True, scope="session")
def no_secrets_at_the_end() -> Iterator[None]:
    """The same for commands that run longer than one test."""
    yield
    _fail_if_secrets_leaked()


@pytest.fixture(scope="session")
def qdrant_binary() -> Path:
    """Without a server, tests that need one are skipped. In CI they fail, because a skipped test proves nothing."""
    try:
        return find_binary()
    except NoServerError as reason:
        _refuse_or_skip(reason)


@pytest.fixture
def new_qdrant(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerFactory]:
    """Creates servers for one test, to kill or configure. They are not started; they are killed at the end."""
    with ExitStack() as servers:

        def make(**environment: str) -> QdrantServer:
            return servers.enter_context(
                server_for_tests(qdrant_binary, tmp_path_factory.mktemp("qdrant"), environment)
            )

        yield make


@pytest.fixture(scope="session")
def qdrant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """One server for the whole run: every test uses its own collection names."""
    if given := given_endpoint():
        yield given
        drop_collections(given, COLLECTION_PREFIX)
        return
    binary: Path = request.getfixturevalue("qdrant_binary")
    with server_for_tests(binary, tmp_path_factory.mktemp("qdrant")) as server:
        server.start()
        yield server.endpoint


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one database for the whole run: every test uses a schema of its own, as `postgres_ledger` does."""
    if given := given_url():
        yield given
        return
    try:
        with postgres_for_tests() as server:
            yield server.url
    except NoPostgresError as reason:
        _refuse_or_skip(reason)


@pytest.fixture
def postgres_ledger(postgres: str) -> Iterator[str]:
    """The URL of a ledger that no other test uses. It has no tables yet. A copy may have this URL and `_copy`."""
    schema = f"test_{uuid.uuid4().hex[:12]}"
    yield with_schema(postgres, schema)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'drop schema if exists "{schema}", "{schema}_copy" cascade'.encode())


@pytest.fixture
def new_postgres() -> Iterator[Callable[..., PostgresServer]]:
    """Starts servers for one test, to stop, kill or configure. They are gone at the end."""
    with ExitStack() as servers:

        def make(**settings: str) -> PostgresServer:
            try:
                return servers.enter_context(postgres_for_tests(**settings))
            except NoPostgresError as reason:
                _refuse_or_skip(reason)

        yield make


def _refuse_or_skip(reason: Exception) -> NoReturn:
    """In CI a skipped test proves nothing."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(reason))
    pytest.skip(str(reason))


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Keeps the number of retries, but removes the waits."""
    stamina.set_testing(True, attempts=100, cap=True)
    yield
    stamina.set_testing(False)
