"""The lock files agree with each other, and every package in them has hashes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-image.lock", "requirements-build.lock", "requirements-dev.lock")
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+).*?\n((?: {4}--hash=sha256:[0-9a-f]{64}.*\n)*)", re.MULTILINE)


def text(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, str]:
    """Package -> version."""
    return {found[1]: found[2] for found in _PIN.finditer(text(lock))}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_none_names_where_it_is_from(lock: str) -> None:
    found = list(_PIN.finditer(text(lock)))

    assert found
    assert len(found) == len(re.findall(r"^\S+==", text(lock), re.MULTILINE))
    assert [it[1] for it in found if not it[3]] == []
    assert "://" not in text(lock)
    assert "--index" not in text(lock)


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_locked_twice_has_one_version(lock: str) -> None:
    tested = pins("requirements-dev.lock")

    assert {name: version for name, version in pins(lock).items() if tested.get(name) != version} == {}


def test_the_image_has_everything_and_the_extras_that_need_no_choice() -> None:
    image = pins("requirements-image.lock")

    assert image.items() >= pins("requirements.lock").items()
    assert {"mcp", "psycopg-binary", "pgqueuer", "opentelemetry-exporter-otlp-proto-http"} <= image.keys()
    assert "-r requirements-image.lock" in text("Dockerfile")
    assert "!requirements-image.lock" in text(".dockerignore").splitlines()
