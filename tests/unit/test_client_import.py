"""The import of qdrant_client with deferred models: they behave as usual, and pydantic is as before."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ADAPTER = Path(__file__).parents[2] / "connector/qdrant"
SOURCES = "".join(file.read_text() for file in ADAPTER.glob("*.py"))
USED = sorted(set(re.findall(r"\bmodels\.([A-Z]\w+)", SOURCES)))


def python(code: str, *arguments: str) -> str:
    command = [sys.executable, *(["-c", code] if " " in code else ["-m", code]), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_the_models_that_we_use_behave_as_with_the_usual_import() -> None:
    """Values, errors, serialization and schemas, whichever model is used first."""
    usual = json.loads(python("tests.unit.client_models", "plain", *USED))
    ours = json.loads(python("tests.unit.client_models", "deferred", *reversed(USED)))

    assert len(usual["models"]) > 15
    assert usual["complete"] == sorted(usual["models"])
    assert ours["complete"] == []
    assert ours["models"] == usual["models"]


def test_pydantic_is_as_before() -> None:
    code = """
from pydantic import BaseModel
before = dict(vars(BaseModel))
import connector.qdrant
class Later(BaseModel):
    number: int
print(dict(vars(BaseModel)) == before, Later.__pydantic_complete__, Later.model_config)
"""
    assert python(code).split() == ["True", "True", "{}"]


def test_pydantic_is_as_before_a_failed_import() -> None:
    code = """
import sys
from pydantic import BaseModel
before = dict(vars(BaseModel))
sys.modules["grpc"] = None
try:
    import connector.qdrant
except ImportError as error:
    print(error.name, dict(vars(BaseModel)) == before)
"""
    assert python(code).split() == ["grpc", "True"]


def test_models_of_other_packages_are_built_during_the_import() -> None:
    code = """
import pydantic
from connector.qdrant import client_import
class Mine(pydantic.BaseModel):
    other: "Other"
class Other(pydantic.BaseModel):
    number: int
with client_import._deferred_models():
    print(Mine.model_rebuild(), Mine(other={"number": 1}).other.number)
"""
    assert python(code).split() == ["True", "1"]


def test_models_that_are_imported_already_stay_as_they_are() -> None:
    code = """
import qdrant_client
import connector.qdrant.sink
print(qdrant_client.models.Filter.__pydantic_complete__, qdrant_client.models.Filter())
"""
    assert python(code).startswith("True should=None")


@pytest.mark.parametrize("change", ["pydantic.VERSION = '2.13.4'", "del pydantic.BaseModel.model_config"])
def test_another_pydantic_builds_the_models_at_import(change: str) -> None:
    """An old one does not lock the building, which two threads might begin at the same time."""
    code = f"""
import pydantic
{change}
import connector.qdrant, qdrant_client
print(qdrant_client.models.Filter.__pydantic_complete__)
"""
    assert python(code).strip() == "True"


def test_threads_may_use_a_model_first_at_the_same_time() -> None:
    code = """
import threading
from concurrent.futures import ThreadPoolExecutor
import connector.qdrant
from qdrant_client import models
start = threading.Barrier(8)
def build(number):
    start.wait()
    return models.Filter(must=[models.HasIdCondition(has_id=[number])]).must[0].has_id
with ThreadPoolExecutor(8) as pool:
    print([number for found in pool.map(build, range(8)) for number in found])
"""
    assert json.loads(python(code)) == list(range(8))
