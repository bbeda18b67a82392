"""Builds the image once; removes every stack after its test."""

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.container.engine import clean_checkout, docker, inspect, missing_engine, must_have_engine
from tests.container.stack import PUBLISHED, Stack

NOTES = pytest.StashKey[list[str]]()
StackFactory = Callable[..., Stack]


@pytest.fixture(scope="session")
def engine() -> None:
    """Without a container engine the tests are skipped. In CI they fail, because a skipped test proves nothing."""
    if reason := missing_engine():
        if must_have_engine():
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def image(engine: None, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[str]:
    """Built from a clean checkout that also contains secrets, caches and a ledger, which must stay out."""
    tag = f"connector-test-{uuid.uuid4().hex[:12]}"
    docker("build", "--network", "host", "--tag", tag, clean_checkout(tmp_path_factory.mktemp("checkout")))
    if not any(it.startswith("PYTHON_SHA256=") for it in inspect("image", tag)["Config"]["Env"]):
        note = (
            "Container tests: python:3.13-slim-trixie was a stand-in made of Debian packages, not the official image."
        )
        request.config.stash[NOTES] = [note]
    yield tag
    docker("image", "rm", tag)


@contextmanager
def new_stacks(image: str, directory: Path) -> Iterator[StackFactory]:
    """Creates stacks, which the test starts; they and their volumes are removed at the end."""
    stacks: list[Stack] = []

    def make(*overlays: Path, profile: str | None = "demo", **settings: str) -> Stack:
        published = directory / "published.yml"
        published.write_text(PUBLISHED if profile else "{}", encoding="utf-8")
        project = f"connector-test-{uuid.uuid4().hex[:12]}"
        stacks.append(Stack(project, directory, image, profile, (published, *overlays)))
        stacks[-1].configure(**settings)
        return stacks[-1]

    yield make
    for stack in stacks:
        sys.stdout.write(stack.compose("logs", "--no-color", "--tail", "40", ok=False))
        stack.compose("down", "--volumes", "--timeout", "1")


@pytest.fixture
def new_stack(image: str, tmp_path: Path) -> Iterator[StackFactory]:
    with new_stacks(image, tmp_path) as make:
        yield make


@pytest.fixture
def root() -> None:
    """Only root can give a file to another user."""
    if os.geteuid() != 0:
        pytest.skip("needs root to give files to other users")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for note in config.stash.get(NOTES, []):
        terminalreporter.write_line(note)
