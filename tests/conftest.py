"""Fixtures for all tests; each folder has its own in addition."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stamina
from hypothesis import settings

from tests.qdrant_server import Endpoint, NoServerError, QdrantServer, drop_collections, find_binary, given_endpoint

COLLECTION_PREFIX = f"test-{uuid.uuid4().hex[:12]}-"

# No deadlines: on a busy machine they fail without a fault in the code. Choose one with HYPOTHESIS_PROFILE.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile("thorough", deadline=None, derandomize=False, max_examples=2000, print_blob=True)
settings.register_profile("mutants", deadline=None, derandomize=True, database=None, max_examples=30)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev"))

ServerFactory = Callable[..., QdrantServer]


@pytest.fixture(scope="session")
def qdrant_binary() -> Path:
    """Without a server, tests that need one are skipped. In CI they fail, because a skipped test proves nothing."""
    try:
        return find_binary()
    except NoServerError as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture
def new_qdrant(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerFactory]:
    """Creates servers for one test, to kill or configure. They are not started; they are stopped at the end."""
    servers: list[QdrantServer] = []

    def make(**environment: str) -> QdrantServer:
        servers.append(QdrantServer(qdrant_binary, tmp_path_factory.mktemp("qdrant"), environment))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def qdrant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """One server for the whole run: every test uses its own collection names."""
    if given := given_endpoint():
        yield given
        drop_collections(given, COLLECTION_PREFIX)
        return
    binary: Path = request.getfixturevalue("qdrant_binary")
    server = QdrantServer(binary, tmp_path_factory.mktemp("qdrant"))
    server.start()
    yield server.endpoint
    server.stop()


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Keeps the number of retries, but removes the waits."""
    stamina.set_testing(True, attempts=100, cap=True)
    yield
    stamina.set_testing(False)
