"""The bundled Qdrant asks for a key: a generated one, unless .env has another."""

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.container.conftest import StackFactory
from tests.container.engine import ROOT
from tests.container.stack import READ_KEY, Stack
from tests.e2e.oracle import check_equal

pytestmark = pytest.mark.timeout(400)

GIVEN = "key-of-the-user"


def check_refused(stack: Stack, key: str) -> None:
    """Over REST and gRPC."""
    with pytest.raises(UnexpectedResponse, match="401"), stack.client(key) as client:
        client.get_collections()
    with pytest.raises(grpc.RpcError) as refused, stack.client(key, grpc=True) as client:
        client.get_collections()
    assert refused.value.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


def check_accepted(stack: Stack, key: str) -> None:
    with stack.client(key) as client:
        assert check_equal(client, stack.simulated, stack.index_ids[0]) > 0
    with stack.client(key, grpc=True) as client:
        assert client.get_collections().collections


def test_a_given_key_wins_and_without_it_the_generated_one_protects_the_same_points(new_stack: StackFactory) -> None:
    stack = new_stack(QDRANT_API_KEY=GIVEN)
    stack.up()
    stack.wait_until_synced()
    generated = stack.qdrant_key
    check_accepted(stack, GIVEN)
    check_refused(stack, "")
    check_refused(stack, generated)

    stack.configure()
    stack.up()
    stack.wait_until_synced()

    assert stack.qdrant_key == generated
    check_accepted(stack, generated)
    check_refused(stack, "")
    check_refused(stack, GIVEN)
    assert {index["last_cycle"]["points_written"] for index in stack.status["indexes"]} == {0}
    assert generated not in stack.compose("logs") + stack.compose("config")


def test_qdrant_does_not_start_without_a_key(new_stack: StackFactory) -> None:
    said = new_stack().compose("run", "--rm", "--no-deps", "qdrant", ok=False)

    assert "ended with 1\n" in said
    assert "/run/qdrant-key/api_key: No such file or directory" in said


@pytest.mark.parametrize("document", ["README.md", "docs/docker.md", "docs/queries.md"])
def test_the_documents_say_how_to_read_it(document: str) -> None:
    assert f"docker compose exec -T qdrant {' '.join(READ_KEY)}" in (ROOT / document).read_text(encoding="utf-8")
