"""Imports qdrant_client without building its models. Pydantic builds each of them when it is first used.

Building all 341 models, most of which we never use, takes more than half of the import. qdrant_client has no setting
for this, so pydantic's `defer_build` is switched on for the import only.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pydantic

CLIENT = "qdrant_client"
CHANGED = {"model_config", "model_rebuild"}
OLDEST_PYDANTIC = (2, 14)
"""Earlier versions do not lock the building of a model, and our threads may need the same model at once."""


def import_client(pydantic_version: str = pydantic.VERSION) -> None:
    """Import qdrant_client: in the usual way if it is imported already, or if this pydantic is too old or differs."""
    numbers = tuple(map(int, pydantic_version.split(".")[:2]))
    if CLIENT in sys.modules or numbers < OLDEST_PYDANTIC or not vars(pydantic.BaseModel).keys() >= CHANGED:
        importlib.import_module(CLIENT)
        return
    with _deferred_models():
        importlib.import_module(CLIENT)


@contextmanager
def _deferred_models() -> Iterator[None]:
    """Defer the building of models defined in the block, also where qdrant_client asks for it by `model_rebuild`."""
    model = pydantic.BaseModel
    before = {name: vars(model)[name] for name in CHANGED}
    build = before["model_rebuild"].__func__

    def rebuild(cls: type[pydantic.BaseModel], /, **options: Any) -> bool | None:
        """Build models of other packages as usual: another thread may import one at the same time."""
        built: bool | None = None if cls.__module__.startswith(f"{CLIENT}.") else build(cls, **options)
        return built

    _set(model, {"model_config": {**model.model_config, "defer_build": True}, "model_rebuild": classmethod(rebuild)})
    try:
        yield
    finally:
        _set(model, before)


def _set(model: type[pydantic.BaseModel], attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        setattr(model, name, value)
