"""Prints how models of qdrant_client behave, as JSON.

Arguments: `plain` or `deferred` import, and names in the order of their first use; others than models are ignored.
"""

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pydantic


def behaviour(model: type[pydantic.BaseModel]) -> Iterator[object]:
    names = list(model.model_fields)
    yield outcome(lambda: model.model_construct().model_dump())
    values: list[dict[str, Any]] = [{}, {"unknown": 1}, *(dict.fromkeys(names, value) for value in (object, "x", 1))]
    for value in values:
        yield outcome(partial(constructed, model, value))
        yield outcome(partial(model.model_validate, value))
    yield outcome(model.model_json_schema)
    yield list(inspect.signature(model).parameters)
    yield {name: value for name, value in model.model_config.items() if name != "defer_build"}


def constructed(model: type[pydantic.BaseModel], value: dict[str, Any]) -> tuple[object, str]:
    built = model(**value)
    return built.model_dump(), built.model_dump_json()


def outcome(work: Callable[[], object]) -> object:
    try:
        return work()
    except pydantic.ValidationError as error:
        return error.errors(include_url=False)
    except Exception as error:  # noqa: BLE001  compared, whatever it is
        return f"{type(error).__name__}: {error}"


def main(way: str, names: list[str]) -> None:
    importlib.import_module("qdrant_client" if way == "plain" else "connector.qdrant")
    module = importlib.import_module("qdrant_client.http.models.models")
    named = {name: getattr(module, name) for name in names}
    found = {name: it for name, it in named.items() if isinstance(it, type) and issubclass(it, pydantic.BaseModel)}
    complete = sorted(name for name, model in found.items() if model.__pydantic_complete__)
    described = {name: list(behaviour(model)) for name, model in found.items()}
    json.dump({"complete": complete, "models": described}, sys.stdout, default=str, sort_keys=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
