"""Fixtures of the unit tests."""

import os
from pathlib import Path

import pytest

from tests.unit.settings_place import REQUIRED, Place


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """No settings and no files."""
    return Place.empty(tmp_path, monkeypatch, dict(os.environ))


@pytest.fixture
def place(bare: Place) -> Place:
    """Only the required settings."""
    bare.environment(**REQUIRED)
    return bare
