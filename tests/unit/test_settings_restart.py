"""Which settings a restart would change."""

import pytest

from connector.domain.errors import ConfigError
from connector.settings.restart import changed_settings, restart_changes
from tests.unit.settings_place import REQUIRED, Place


@pytest.fixture
def keyed(place: Place) -> Place:
    place.environment(**REQUIRED)
    return place


def changed(place: Place, before: str, after: str) -> list[str]:
    """The TOML file is changed after the start."""
    config = place.write("connector.toml", before)
    settings = place.load(config=config)
    place.write("connector.toml", after)
    return changed_settings(settings, config, place.directory / "secrets")


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("", "", []),
        ('poll_interval = "60s"', 'poll_interval = "1m"', []),
        ("", 'poll_interval = "30s"', ["CONNECTOR_POLL_INTERVAL"]),
        ('qdrant_url = "http://a:6333"', "", ["QDRANT_URL"]),
        ("", "max_deletes = 1\nconcurrency = 2", ["CONNECTOR_CONCURRENCY", "CONNECTOR_MAX_DELETES"]),
        ("", '[[indexes]]\nid = "index-1"\ntranscript = false', ["[[indexes]]"]),
    ],
)
def test_settings_whose_values_differ(keyed: Place, before: str, after: str, names: list[str]) -> None:
    assert changed(keyed, before, after) == names


def test_a_secret_is_named_without_its_value(keyed: Place) -> None:
    settings = keyed.load()
    keyed.write("secrets/connector_http_token", "another-token")

    assert changed_settings(settings, None, keyed.directory / "secrets") == ["CONNECTOR_HTTP_TOKEN"]


def test_what_the_environment_sets_no_file_changes(keyed: Place) -> None:
    keyed.environment(CONNECTOR_POLL_INTERVAL="5s")
    assert changed(keyed, "", 'poll_interval = "30s"') == []


def test_mistakes_would_make_a_restart_fail(keyed: Place) -> None:
    settings = keyed.load()
    keyed.write(".env", "CONNECTOR_CONCURRENCY=many")

    with pytest.raises(ConfigError):
        changed_settings(settings, None, keyed.directory / "secrets")
    facts = restart_changes(settings, None)
    assert "CONNECTOR_CONCURRENCY" in str(facts["mistakes"])
    assert "fail" in str(facts["advice"])


def test_without_a_change_a_restart_is_for_nothing(keyed: Place) -> None:
    settings = keyed.load()
    assert restart_changes(settings, None) == {"advice": "a restart would change no setting", "changed": []}
    keyed.write(".env", "CONNECTOR_CONCURRENCY=8")
    assert restart_changes(settings, None)["changed"] == ["CONNECTOR_CONCURRENCY"]
