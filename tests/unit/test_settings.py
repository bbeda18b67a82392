"""Names, defaults and precedence of the settings: a contract with everybody who deploys the connector."""

from pathlib import Path
from typing import Any

import pytest

from connector.settings.connector_settings import Settings, given_only
from tests.comparing import differences
from tests.unit.settings_place import REQUIRED, Place

DAY = 86_400.0

# variable, its default, an accepted text, the value of that text
VARIABLES: list[tuple[str, Any, str, Any]] = [
    ("TWELVELABS_BASE_URL", "https://api.twelvelabs.io/v1.3", "http://127.0.0.1:9/v1.3/", "http://127.0.0.1:9/v1.3"),
    ("QDRANT_URL", "embedded", " https://qdrant.example:6333 ", "https://qdrant.example:6333"),
    ("QDRANT_API_KEY", None, "secret", "secret"),
    ("QDRANT_GRPC_PORT", 6334, "7334", 7334),
    ("CONNECTOR_EMBEDDING_OPTIONS", None, "visual, audio", ("visual", "audio")),
    ("CONNECTOR_TRANSCRIPT", True, "false", False),
    ("CONNECTOR_SPARSE_TRANSCRIPT", False, "true", True),
    ("CONNECTOR_MEDIA_LINKS", False, "true", True),
    ("CONNECTOR_PAYLOAD_PROFILE", "none", "frameworks", "frameworks"),
    (
        "CONNECTOR_METADATA_INDEXES",
        {},
        "category:keyword, batch:integer",
        {"category": "keyword", "batch": "integer"},
    ),
    ("CONNECTOR_COLLECTION", "twelvelabs-{model}", "{index_id}_{model}", "{index_id}_{model}"),
    ("CONNECTOR_DATA_DIR", Path("data"), "/data", Path("/data")),
    ("CONNECTOR_LEDGER_URL", "sqlite", " postgresql://u:p@h:5433/d ", "postgresql://u:p@h:5433/d"),
    ("CONNECTOR_POLL_INTERVAL", 60.0, "30s", 30.0),
    ("CONNECTOR_RECONCILE_INTERVAL", 3600.0, "2h", 7200.0),
    ("CONNECTOR_REFRESH_INTERVAL", DAY, "90", 90.0),
    ("CONNECTOR_DEEP_REFRESH_INTERVAL", 30 * DAY, "1.5d", 1.5 * DAY),
    ("CONNECTOR_CONCURRENCY", 4, "16", 16),
    ("CONNECTOR_REQUESTS_PER_MINUTE", None, "50", 50),
    ("CONNECTOR_DELETE_MODE", "sync", "keep", "keep"),
    ("CONNECTOR_DELETE_GRACE", 0.0, "7d", 7 * DAY),
    ("CONNECTOR_MAX_DELETES", 10, "0", 0),
    ("CONNECTOR_MAX_DELETE_RATIO", 0.2, "1", 1.0),
    ("CONNECTOR_MAX_ATTEMPTS", 5, "1", 1),
    ("CONNECTOR_DRAIN_TIMEOUT", 20.0, "1m", 60.0),
    ("CONNECTOR_HTTP_HOST", "127.0.0.1", "0.0.0.0", "0.0.0.0"),  # noqa: S104  a value like another
    ("CONNECTOR_HTTP_PORT", 8080, "0", 0),
    ("CONNECTOR_HTTP_TOKEN", None, "token", "token"),
    ("CONNECTOR_WEBHOOK_SECRET", None, "secret", "secret"),
    ("CONNECTOR_WEBHOOK_HOST", "0.0.0.0", "127.0.0.1", "127.0.0.1"),  # noqa: S104  webhooks come from outside
    ("CONNECTOR_WEBHOOK_PORT", 8081, "443", 443),
    ("CONNECTOR_LOG_LEVEL", "info", "debug", "debug"),
    ("CONNECTOR_LOG_FORMAT", "auto", "json", "json"),
]
# Values in the TOML file, .env, the environment and the command line; the last one given applies.
LEVELS = ("file", "dotenv", "environment", "command line")


def value_of(settings: Settings, variable: str) -> Any:
    value = getattr(settings, variable.lower())
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def test_every_setting_is_in_the_table() -> None:
    assert {name for name, *_ in VARIABLES} | REQUIRED.keys() == {
        name.upper() for name in Settings.model_fields if name != "overrides"
    }


@pytest.mark.parametrize(("variable", "default"), [it[:2] for it in VARIABLES])
def test_defaults(place: Place, variable: str, default: Any) -> None:
    assert value_of(place.load(), variable) == default


@pytest.mark.parametrize(("variable", "text", "value"), [(it[0], *it[2:]) for it in VARIABLES])
def test_a_variable_is_read_from_the_environment(place: Place, variable: str, text: str, value: Any) -> None:
    place.environment(**{variable: text})
    assert value_of(place.load(), variable) == value


@pytest.mark.parametrize(("variable", "text", "value"), [(it[0], *it[2:]) for it in VARIABLES])
def test_a_variable_is_read_from_dotenv_and_file(place: Place, variable: str, text: str, value: Any) -> None:
    place.write(".env", f'{variable}="{text}"')
    assert value_of(place.load(), variable) == value
    place.write(".env", "")
    bare_in_toml = isinstance(value, bool | int) or variable == "CONNECTOR_MAX_DELETE_RATIO"
    written = text if bare_in_toml else f'"{text}"'
    path = place.write("connector.toml", f"{variable.lower()} = {written}")
    assert value_of(place.load(config=path), variable) == value


@pytest.mark.parametrize("variable", [it[0] for it in VARIABLES])
def test_an_empty_value_is_unset(place: Place, variable: str) -> None:
    """In any source, because compose files pass unset variables as empty ones."""
    before = place.load().model_dump()
    place.environment(**{variable: ""})
    place.write(".env", f"{variable}=\n")
    path = place.write("connector.toml", f'{variable.lower()} = ""')
    assert place.load(config=path).model_dump() == before


def test_what_is_required_is_named_with_where_to_get_it(bare: Place) -> None:
    key, indexes = bare.mistakes()
    assert key.startswith("TWELVELABS_API_KEY is required: create a key in the TwelveLabs dashboard")
    assert indexes.startswith("CONNECTOR_INDEXES is required: name the index ids, separated by commas, or *")


@pytest.mark.parametrize("top", range(len(LEVELS)))
def test_precedence(place: Place, top: int) -> None:
    """Command line, environment, .env, file, default: earlier ones override later ones."""
    given = {level: number for number, level in enumerate(LEVELS[: top + 1], start=100)}
    place.write("c.toml", f"max_deletes = {given['file']}")
    place.write(".env", f"CONNECTOR_MAX_DELETES={given['dotenv']}" if "dotenv" in given else "")
    if "environment" in given:
        place.environment(CONNECTOR_MAX_DELETES=str(given["environment"]))
    line = {"connector_max_deletes": given["command line"]} if "command line" in given else {}
    assert place.load(config=Path("c.toml"), **line).connector_max_deletes == 100 + top


def test_an_empty_value_does_not_hide_what_stands_below_it(place: Place) -> None:
    place.environment(CONNECTOR_MAX_DELETES="")
    place.write(".env", "CONNECTOR_MAX_DELETES=\n")
    path = place.write("connector.toml", "max_deletes = 7")
    assert place.load(config=path).connector_max_deletes == 7


def test_the_file_is_found_by_option_environment_or_dotenv(place: Place) -> None:
    for number, name in enumerate(("option", "environment", "dotenv")):
        place.write(f"{name}.toml", f"max_deletes = {number}")
    place.write(".env", "CONNECTOR_CONFIG=dotenv.toml")
    assert place.load().connector_max_deletes == 2
    place.environment(CONNECTOR_CONFIG="environment.toml")
    assert place.load().connector_max_deletes == 1
    assert place.load(config=Path("option.toml")).connector_max_deletes == 0


def test_a_file_may_leave_the_prefix_away_and_use_its_own_types(place: Place) -> None:
    path = place.write(
        "connector.toml",
        """
        concurrency = 8
        transcript = false
        poll_interval = 90
        embedding_options = ["visual"]
        connector_max_delete_ratio = 0.5
        qdrant_url = "http://127.0.0.1:6333"
        [metadata_indexes]
        category = "keyword"
        """,
    )
    settings = place.load(config=path)
    assert (settings.connector_concurrency, settings.connector_transcript) == (8, False)
    assert (settings.connector_poll_interval, settings.connector_embedding_options) == (90.0, ("visual",))
    assert (settings.connector_max_delete_ratio, settings.qdrant_url) == (0.5, "http://127.0.0.1:6333")
    assert settings.connector_metadata_indexes == {"category": "keyword"}


def test_variables_of_others_are_nobodys_business(place: Place) -> None:
    place.environment(PATH_TO_CONNECTOR="x", QDRANT_STORAGE="x", TWELVELABS_INDEX="x")
    place.write(".env", "OTHER_PROGRAM=1\nQDRANT_PORT=tcp://10.0.0.1")
    assert place.load_with_warnings()[1] == []


def test_files_of_the_ledger_stand_in_the_data_directory(place: Place) -> None:
    place.environment(CONNECTOR_DATA_DIR="/data")
    settings = place.load()
    assert (settings.ledger.file, settings.ledger.lock) == (Path("/data/ledger.sqlite3"), Path("/data/ledger.lock"))


def test_settings_that_are_given_alone_are_not_changed_by_anything(place: Place) -> None:
    """For the demo, whatever the user's shell contains."""
    place.environment(CONNECTOR_MAX_DELETES="99", QDRANT_URL="http://elsewhere:6333")
    place.write(".env", "CONNECTOR_CONCURRENCY=9")
    settings = given_only(twelvelabs_api_key="demo", connector_indexes="a,b")
    assert differences(settings, connector_max_deletes=10, qdrant_url="embedded", connector_concurrency=4) == {}
    assert settings.connector_indexes == ("a", "b")
