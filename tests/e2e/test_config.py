"""`connector config`: every setting with its source, secrets masked, also when some settings are wrong."""

from pathlib import Path

import pytest

from connector.settings.connector_settings import Settings
from tests.command import Command

KEY, QDRANT_KEY = "tlk-very-secret", "qdrant-very-secret"
TOML = """
poll_interval = "30s"
concurrency = 8
metadata_indexes = ["category:keyword"]
[[indexes]]
id = "a"
collection = "archive-{model}"
reconcile_interval = "24h"
"""


@pytest.fixture
def connector(tmp_path: Path) -> Command:
    """Settings from every source."""
    (tmp_path / "settings.toml").write_text(TOML)
    (tmp_path / ".env").write_text("CONNECTOR_CONCURRENCY=6\nCONNECTOR_MAX_DELETES=3\n")
    (tmp_path / "key").write_text(f"{KEY}\n")
    return Command(
        tmp_path, {"TWELVELABS_API_KEY_FILE": "key", "QDRANT_API_KEY": QDRANT_KEY, "CONNECTOR_CONFIG": "settings.toml"}
    )


def test_every_setting_has_its_value_and_source(connector: Command) -> None:
    ended = connector.run("config", "--json", CONNECTOR_MAX_DELETES="4")

    found = {name: (it["value"], it["source"], it["from"]) for name, it in ended.json["settings"].items()}
    assert ended.code == 0, ended.stderr
    assert set(found) == {"CONNECTOR_CONFIG"} | {name.upper() for name in Settings.model_fields if name != "overrides"}
    assert found["TWELVELABS_API_KEY"] == ("[secret]", "secret_file", "key")
    assert found["QDRANT_API_KEY"] == ("[secret]", "environment", "QDRANT_API_KEY")
    assert found["CONNECTOR_WEBHOOK_SECRET"] == (None, "default", None)
    assert found["CONNECTOR_CONFIG"] == ("settings.toml", "environment", "CONNECTOR_CONFIG")
    assert found["CONNECTOR_INDEXES"] == (["a"], "file", "settings.toml")
    assert found["CONNECTOR_POLL_INTERVAL"] == (30.0, "file", "settings.toml")
    assert found["CONNECTOR_CONCURRENCY"] == (6, ".env", ".env")
    assert found["CONNECTOR_MAX_DELETES"] == (4, "environment", "CONNECTOR_MAX_DELETES")
    assert found["CONNECTOR_DATA_DIR"] == ("data", "default", None)
    assert ended.json["indexes"]["a"]["reconcile_interval"] == {
        "value": 86_400.0,
        "source": "file",
        "from": "settings.toml",
        "valid": True,
    }
    assert set(ended.json["indexes"]["a"]) == {"collection", "reconcile_interval"}
    assert (ended.json["mistakes"], ended.json["warnings"]) == ([], [])


def test_people_get_lines_in_the_form_of_variables(connector: Command) -> None:
    ended = connector.run("config")

    lines = [line.split() for line in ended.stdout.splitlines()]
    assert ended.code == 0
    assert ["CONNECTOR_POLL_INTERVAL", "30s", "file", "settings.toml"] in lines
    assert ["CONNECTOR_METADATA_INDEXES", "category:keyword", "file", "settings.toml"] in lines
    assert ["CONNECTOR_TRANSCRIPT", "true", "default"] in lines
    assert ["TWELVELABS_API_KEY", "[secret]", "secret", "file", "key"] in lines
    assert ["index", "a"] in lines
    assert ["reconcile_interval", "1d", "file", "settings.toml"] in lines
    assert KEY not in ended.stdout + ended.stderr
    assert QDRANT_KEY not in ended.stdout + ended.stderr


@pytest.mark.parametrize("as_json", [False, True])
def test_mistakes_are_named_and_everything_else_is_shown(connector: Command, as_json: bool) -> None:
    (connector.directory / "settings.toml").write_text(TOML + 'cron = "never"\n[[indexes]]\nid = "b"\nbogus = 1\n')
    wrong = {"CONNECTOR_CONCURRENCY": "many", "TWELVELABS_API_KEY_FILE": "absent", "CONNECTOR_CONCURENCY": "1"}

    ended = connector.run("config", *(["--json"] if as_json else []), **wrong)

    assert ended.code == 2
    for name in ("'many'", "cron", "bogus", "absent", "CONNECTOR_CONCURENCY"):
        assert name in ended.stderr
    assert QDRANT_KEY not in ended.stdout + ended.stderr
    if as_json:
        found = ended.json
        assert found["settings"]["CONNECTOR_CONCURRENCY"] == {
            "value": None,
            "source": "environment",
            "from": "CONNECTOR_CONCURRENCY",
            "valid": False,
        }
        assert not found["settings"]["TWELVELABS_API_KEY"]["valid"]
        assert found["settings"]["CONNECTOR_POLL_INTERVAL"]["value"] == 30.0
        assert set(found["indexes"]["a"]) == {"collection", "reconcile_interval"}
        assert any("many" in mistake for mistake in found["mistakes"])
    else:
        assert "30s" in ended.stdout


def test_without_any_setting_it_shows_the_defaults(tmp_path: Path) -> None:
    ended = Command(tmp_path).run("config")

    assert ended.code == 2
    assert "https://api.twelvelabs.io/v1.3" in ended.stdout
    assert "TWELVELABS_API_KEY is required" in ended.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", [["check"], ["sync"], ["plan"], ["verify"], ["search", "a goal"], ["run"]], ids=lambda it: it[0]
)
@pytest.mark.parametrize("url", ["https://api.twelvelabs.io", "http://127.0.0.1:9000/"])
def test_a_base_url_without_its_version_is_a_mistake(tmp_path: Path, command: list[str], url: str) -> None:
    given = {"TWELVELABS_API_KEY": KEY, "CONNECTOR_INDEXES": "*", "QDRANT_URL": "embedded", "TWELVELABS_BASE_URL": url}

    ended = Command(tmp_path, given).run(*command)

    assert ended.code == 2
    assert "TWELVELABS_BASE_URL: it has no API version: add /v1.3 at its end" in ended.stderr
    assert not list(tmp_path.iterdir())
