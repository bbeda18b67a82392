"""The addresses of two processes: the same, another one, and the same text that means another machine."""

import pytest

from connector.domain.endpoints import Difference, Endpoints

API, QDRANT = "https://api.twelvelabs.io/v1.3", "http://qdrant:6333"


def endpoints(source: str = API, key: str = "key", sink: str = QDRANT, **more: str | None) -> Endpoints:
    given = {"storage": None, "host": "host-a", **more}
    return Endpoints.of(source, key, sink, storage=given["storage"], host=str(given["host"]))


def test_addresses_are_shown_and_the_key_is_not() -> None:
    found = endpoints(key="tlk_secret")

    assert found.shown == {"source": API, "sink": QDRANT}
    assert "tlk_secret" not in repr(found)
    assert found.key_digest not in repr(found)


@pytest.mark.parametrize("host", ["host-a", "host-b"])
def test_the_same_addresses_do_not_differ(host: str) -> None:
    assert endpoints().difference(endpoints(host=host).shown) is None
    assert endpoints(sink="http://Qdrant:6333").difference(endpoints().shown) is None


def test_another_address_is_named_with_its_setting() -> None:
    other = endpoints(sink="http://other:6333")
    assert endpoints().difference(other.shown) == Difference("QDRANT_URL", QDRANT, "http://other:6333")

    other = endpoints(source="https://eu.example/v1.3")
    assert endpoints().difference(other.shown) == Difference("TWELVELABS_BASE_URL", API, "https://eu.example/v1.3")


@pytest.mark.parametrize("path", ["/a", "/A"])
def test_the_path_of_an_address_counts(path: str) -> None:
    assert endpoints(sink=f"http://gateway{path}").difference(endpoints(sink="http://gateway/b").shown)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:6333", "http://localhost:6333", "http://qdrant.localhost:6333", "http://[::1]:6333"]
)
def test_a_loopback_address_is_another_server_on_another_machine(url: str) -> None:
    here = endpoints(sink=url)

    assert here.difference(endpoints(sink=url).shown) is None
    assert here.difference(endpoints(sink=url, host="host-b").shown) == Difference(
        "QDRANT_URL", f"{url} on host-a", f"{url} on host-b"
    )


def test_embedded_storage_belongs_to_its_machine_and_directory() -> None:
    here = endpoints(sink="embedded", storage="/data/qdrant")

    assert here.sink == "/data/qdrant on host-a"
    assert here.difference(endpoints(sink="embedded", storage="/data/qdrant").shown) is None
    assert here.difference(endpoints(sink="embedded", storage="/data/qdrant", host="host-b").shown)
    assert here.difference(endpoints(sink="embedded", storage="/other/qdrant").shown)


@pytest.mark.parametrize("shown", [{}, {"source": ""}, {"sink": 7}])
def test_a_release_that_does_not_tell_its_addresses_does_not_differ(shown: dict[str, object]) -> None:
    assert endpoints().difference(shown) is None


def test_keys_are_told_apart_for_each_address() -> None:
    digests = {endpoints(key=key, source=url).key_digest for key in ("a", "b") for url in (API, "https://eu.example")}

    assert len(digests) == 4
    assert endpoints(key="a").key_digest == endpoints(key="a", host="host-b").key_digest
