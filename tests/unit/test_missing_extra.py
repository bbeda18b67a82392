"""Without its framework, an adapter says which extra to install."""

import importlib
import sys

import pytest

from connector.domain.errors import ConfigError
from connector.search.frameworks.missing_extra import needs_extra

ADAPTERS = [
    ("langchain", "langchain_core", "langchain_search"),
    ("llamaindex", "llama_index.core", "llamaindex_search"),
    ("haystack", "haystack", "haystack_search"),
]


class Without:
    """An import system in which a package is not installed."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize(("extra", "package", "module"), ADAPTERS)
def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, extra: str, package: str, module: str) -> None:
    root = package.partition(".")[0]
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{root}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without(root), *sys.meta_path])
    monkeypatch.delitem(sys.modules, f"connector.search.frameworks.{module}", raising=False)

    with pytest.raises(ImportError) as missing:
        importlib.import_module(f"connector.search.frameworks.{module}")

    assert isinstance(missing.value, ConfigError)
    assert str(missing.value) == (
        f"import {package}: it is not installed. Run `pip install 'twelvelabs-qdrant-connector[{extra}]'`."
    )


def test_what_is_missing_within_the_package_is_its_own_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"json\.nothing"), needs_extra("any", "json"):
        importlib.import_module("json.nothing")
    with pytest.raises(ModuleNotFoundError, match="no_such_package"), needs_extra("any", "json"):
        importlib.import_module("no_such_package")
