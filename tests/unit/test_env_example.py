""".env.example has every setting once, with its default, and every variable that the compose files read."""

import re
from pathlib import Path

import pytest

from connector.settings.connector_settings import SECRETS, Settings, given_only
from tests.unit.settings_place import Place

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
LINES = EXAMPLE.splitlines()
ENTRIES = re.findall(r"^(# )?([A-Z][A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE)
VALUES = {name: value for _, name, value in ENTRIES}
FIELDS = {name.upper(): field for name, field in Settings.model_fields.items() if name != "overrides"}
REQUIRED = {name for name, field in FIELDS.items() if field.is_required()}


def interpolated() -> dict[str, str]:
    """Variables of the compose files with their defaults."""
    names = ("docker-compose.yml", "compose.secrets.yml", "compose.cluster.yml")
    files = "".join((ROOT / name).read_text(encoding="utf-8") for name in names)
    return dict(re.findall(r"\$\{([A-Z0-9_]+):[-+]([^}]*)\}", files))


def test_every_setting_and_every_variable_of_the_compose_files_stands_there_once() -> None:
    names = [name for _, name, _ in ENTRIES]

    assert len(names) == len(set(names))
    assert set(names) == FIELDS.keys() | {"CONNECTOR_CONFIG"} | interpolated().keys()


def test_only_what_is_required_is_not_a_comment() -> None:
    assert {name for comment, name, _ in ENTRIES if not comment} == REQUIRED


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - REQUIRED))
def test_a_setting_shows_its_default(name: str) -> None:
    """Empty if there is no default."""
    default = FIELDS[name].default
    given = {"twelvelabs_api_key": "key", "connector_indexes": "*", name.lower(): VALUES[name]}

    if VALUES[name]:
        assert getattr(given_only(**given), name.lower()) == default
    else:
        assert default in (None, {})


@pytest.mark.parametrize("name", sorted(interpolated().keys() - FIELDS.keys()))
def test_a_variable_of_the_compose_files_shows_their_default(name: str) -> None:
    assert VALUES[name] == interpolated()[name]


def test_every_line_is_explained_and_every_secret_is_called_one() -> None:
    for number, line in enumerate(LINES):
        found = re.match(r"(?:# )?([A-Z][A-Z0-9_]+)=", line)
        if found:
            explained = LINES[number - 1]
            assert re.match(r"# .+[.:]", explained), line
            assert ("Secret" in explained) == (found[1].lower() in SECRETS), line


def test_filled_in_and_uncommented_it_is_accepted(bare: Place) -> None:
    """As the connector reads it, without an environment."""
    filled = re.sub(r"^# (?=[A-Z][A-Z0-9_]+=)", "", EXAMPLE, flags=re.MULTILINE)
    bare.write(".env", filled.replace("API_KEY=\n", "API_KEY=key\n", 1).replace("INDEXES=\n", "INDEXES=index-1\n", 1))

    settings, warnings = bare.load_with_warnings()

    assert warnings == []
    assert settings.connector_indexes == ("index-1",)


def test_as_it_is_copied_it_asks_for_what_is_required(bare: Place) -> None:
    bare.write(".env", EXAMPLE)

    assert [mistake.split()[0] for mistake in bare.mistakes()] == ["TWELVELABS_API_KEY", "CONNECTOR_INDEXES"]
