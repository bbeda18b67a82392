"""An empty working directory and an environment without settings, with helpers to fill both."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import ConfigError
from connector.settings.connector_settings import Settings
from connector.settings.loading import load

OURS = ("CONNECTOR_", "TWELVELABS_", "QDRANT_")
REQUIRED = {"TWELVELABS_API_KEY": "tlk_secret", "CONNECTOR_INDEXES": "index-1"}


@dataclass(frozen=True, slots=True)
class Place:
    directory: Path
    patch: pytest.MonkeyPatch

    @classmethod
    def empty(cls, directory: Path, patch: pytest.MonkeyPatch, names: Mapping[str, str]) -> "Place":
        for name in names:
            if name.upper().startswith(OURS):
                patch.delenv(name)
        patch.chdir(directory)
        return cls(directory, patch)

    def environment(self, **variables: str) -> None:
        for name, value in variables.items():
            self.patch.setenv(name, value)

    def write(self, name: str, content: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def load(self, **given: Any) -> Settings:
        return self.load_with_warnings(**given)[0]

    def load_with_warnings(self, **given: Any) -> tuple[Settings, list[str]]:
        return load(secrets_dir=self.directory / "secrets", **given)

    def mistakes(self, **given: Any) -> list[str]:
        """One line for each mistake; empty if there is none."""
        try:
            self.load(**given)
        except ConfigError as error:
            return [line.removeprefix("  - ") for line in str(error).split("\n")[1:]]
        return []
