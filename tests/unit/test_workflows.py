"""GitHub's workflows and the pre-commit hooks call only things that exist."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HOOKS = ROOT / ".pre-commit-config.yaml"
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def parsed(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def steps(file: Path) -> Iterator[dict[str, Any]]:
    """Steps, and jobs that call another workflow."""
    for job in parsed(file)["jobs"].values():
        yield from job.get("steps", [job])


def make_calls(script: str) -> set[str]:
    return {target for line in re.findall(r"^\s*make +(.+)$", script, re.MULTILINE) for target in line.split()}


def test_there_are_workflows() -> None:
    assert [file.name for file in WORKFLOWS] == ["integrations.yml", "release.yml", "test.yml"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_step_does_one_thing(file: Path) -> None:
    assert [step for step in steps(file) if ("run" in step) == ("uses" in step)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_called_make_target_exists(file: Path) -> None:
    called = {target for step in steps(file) for target in make_calls(step.get("run", ""))}

    assert called
    assert called - TARGETS == set()


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_actions_are_pinned_to_a_major_version(file: Path) -> None:
    used = [step["uses"] for step in steps(file) if "uses" in step]

    assert used
    assert [
        name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+|\./\.github/workflows/[\w-]+\.yml", name)
    ] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_called_workflow_exists_and_may_be_called(file: Path) -> None:
    called = [ROOT / step["uses"] for step in steps(file) if step.get("uses", "").startswith("./")]

    assert [it for it in called if "workflow_call" not in parsed(it)["on"]] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_no_expression_is_pasted_into_a_script(file: Path) -> None:
    """The name of a tag or branch may contain shell commands, so scripts read it from the environment."""
    assert [step["run"] for step in steps(file) if "${{" in step.get("run", "")] == []


def test_the_oldest_tested_python_is_the_oldest_supported() -> None:
    versions = parsed(ROOT / ".github/workflows/test.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]

    assert versions == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["project"]["requires-python"] == f">={versions[0]}"


def test_hooks_run_locked_tools_of_the_virtual_environment() -> None:
    repos = parsed(HOOKS)["repos"]
    entries = [hook["entry"].split()[0] for repo in repos for hook in repo["hooks"]]
    locked = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")

    assert {repo["repo"] for repo in repos} == {"local"}
    assert {Path(entry).parent for entry in entries} == {Path(".venv/bin")}
    assert [entry for entry in entries if f"\n{Path(entry).name}==" not in locked] == []
