"""The tables of docs/ match the program."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from connector.cli.main import app
from connector.cli.output import Exit
from connector.domain.report import CycleReport, Problem
from connector.domain.verification import DriftFinding, Kind, Repair
from connector.engine.deep_verify import DEEP_SAMPLE, DeepComparison
from connector.engine.verifier import Verification
from connector.settings.connector_settings import SECRETS, Settings, given_only
from connector.settings.per_index import IndexOverride
from tests.command import Command
from tests.e2e.pages import RECIPES, code, section, table

CONFIGURATION = table("docs/configuration.md", "Variables")
COMMANDS = table("docs/commands.md", "Commands")


def settings(**given: Any) -> Settings:
    return given_only(**{"twelvelabs_api_key": "key", "connector_indexes": "*", **given})


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    assert [code(name)[0] for name, *_ in CONFIGURATION] == [name.upper() for name in Settings.model_fields][:-1]


@pytest.mark.parametrize(("name", "default"), [(code(row[0])[0], row[1]) for row in CONFIGURATION])
def test_defaults_are_as_documented(name: str, default: str) -> None:
    field = Settings.model_fields[name.lower()]
    if default == "required":
        assert field.is_required()
    elif default == "none":
        assert field.default in (None, {})
    else:
        assert getattr(settings(**{name.lower(): code(default)[0]}), name.lower()) == field.default


def test_secrets_are_called_secret() -> None:
    assert {code(name)[0].lower() for name, _, meaning in CONFIGURATION if "secret" in meaning} == set(SECRETS)


def test_the_toml_example_is_accepted_and_shows_every_key_of_an_index(tmp_path: Path) -> None:
    """Also with the alternative in its comment."""
    example = RECIPES["connector.toml"]
    (tmp_path / "interval.toml").write_text(example)
    (tmp_path / "cron.toml").write_text(re.sub(r"^reconcile_interval.*or: ", "", example, flags=re.MULTILINE))
    connector = Command(tmp_path, {"TWELVELABS_API_KEY": "key"})

    ended = [connector.run("status", "--config", name) for name in ("interval.toml", "cron.toml")]

    assert [it.code for it in ended] == [0, 0], ended
    assert set(re.findall(r"\b(\w+) = ", example.partition("[[")[2])) == set(IndexOverride.model_fields)


def registered(commands: typer.Typer, prefix: str = "") -> set[str]:
    """Command names; those in a group are prefixed with the group's name."""
    own = {it.name or it.callback.__name__ for it in commands.registered_commands if it.callback}
    inner = [registered(it.typer_instance, f"{it.name} ") for it in commands.registered_groups if it.typer_instance]
    return {prefix + name for name in own}.union(*inner)


def test_every_command_is_in_the_table() -> None:
    assert {code(name)[0].removeprefix("connector ") for name, _, _ in COMMANDS} == registered(app)


@pytest.mark.parametrize(("name", "options"), [(code(row[0])[0], row[2]) for row in COMMANDS])
def test_help_mentions_every_documented_option(tmp_path: Path, name: str, options: str) -> None:
    ended = Command(tmp_path).run(*name.split()[1:], "--help", COLUMNS="200")

    assert ended.code == 0, ended.stderr
    assert [option for option in re.findall(r"--[a-z-]+", options) if option not in ended.stdout] == []


def test_every_exit_code_is_in_the_table() -> None:
    assert {int(number) for number, _ in table("docs/commands.md", "Exit codes")} == {int(it) for it in Exit}


def test_every_key_of_a_report_is_in_the_table() -> None:
    rows = table("docs/commands.md", "`sync --json`")

    assert {key for row in rows for key in code(row[0])} == {field.name for field in fields(CycleReport)}
    problem = next(row[2] for row in rows if code(row[0]) == ["problems"])
    assert re.findall(r"\w+", code(problem)[0]) == [field.name for field in fields(Problem)]


def test_every_key_of_a_verification_is_in_the_table() -> None:
    rows = table("docs/commands.md", "`verify --json`")

    assert {key for row in rows for key in code(row[0])} == Verification("any").document().keys()
    finding = next(row[2] for row in rows if code(row[0]) == ["findings"])
    assert re.findall(r"\w+", code(finding)[0]) == [field.name for field in fields(DriftFinding)]
    deep = next(row[2] for row in rows if code(row[0]) == ["deep"])
    assert code(deep) == ["--deep", *(field.name for field in fields(DeepComparison))]


def test_every_kind_of_finding_is_in_the_table() -> None:
    rows = table("docs/commands.md", "Verify")

    assert [code(kind)[0] for kind, _ in rows] == list(Kind)


def test_every_repair_is_in_the_table() -> None:
    text = section("docs/commands.md", "`verify --json`").partition("| repair |")[2]

    assert re.findall(r"^\| `(\w+)`", text, re.MULTILINE) == list(Repair)


def test_the_size_of_the_sample_is_as_documented() -> None:
    assert f"a random sample of {DEEP_SAMPLE} assets" in section("docs/commands.md", "Verify")
