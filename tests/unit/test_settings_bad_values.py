"""Every setting with a bad value, in every source: the message names the value and what is allowed."""

import json
from typing import Any

import pytest

from connector.domain.errors import ConfigError
from connector.settings.connector_settings import SECRETS, Settings
from connector.settings.per_index import IndexOverride
from tests.unit.settings_place import REQUIRED, Place

PORT, INTERVAL = "use 0 to 65535", "use 30s, 5m, 24h, 30d or a number of seconds, from 0.1s to 365d"
REFRESH = "use 30s, 5m, 24h, 30d or a number of seconds, from 1s to 365d"
KEY = "it has characters that a key cannot have (value not shown): copy it again, without line breaks"
ADDRESS = "(value not shown: it may be a key): use http://host:port or https://host:port"
HOST = "use an address like 127.0.0.1, 0.0.0.0 or ::1, or a host name, without scheme and port"
# variable -> a bad value, what is allowed
BAD = {
    "TWELVELABS_API_KEY": ("two\nlines", KEY),
    "TWELVELABS_BASE_URL": ("api.twelvelabs.io", ADDRESS),
    "QDRANT_URL": ("localhost:6333", ADDRESS),
    "QDRANT_API_KEY": ("two\nlines", KEY),
    "QDRANT_GRPC_PORT": ("grpc", "use 1 to 65535"),
    "CONNECTOR_INDEXES": ("my index", "copy the 24 characters from the index's URL"),
    "CONNECTOR_EMBEDDING_OPTIONS": ("Visual!", "use visual, audio, transcription, separated by commas"),
    "CONNECTOR_TRANSCRIPT": ("perhaps", "use true or false"),
    "CONNECTOR_SPARSE_TRANSCRIPT": ("words", "use true or false"),
    "CONNECTOR_MEDIA_LINKS": ("2", "use true or false"),
    "CONNECTOR_PAYLOAD_PROFILE": ("langchain", "use none or frameworks"),
    "CONNECTOR_METADATA_INDEXES": ("category", "use one of the types keyword, integer, float, bool, datetime"),
    "CONNECTOR_COLLECTION": ("videos", "must contain {model}"),
    "CONNECTOR_DATA_DIR": ("a-file", "use a directory, for example ./data"),
    "CONNECTOR_LEDGER_URL": (
        "mysql://user:pass@host/db",
        "(its scheme is mysql); value not shown: use sqlite, or",
    ),
    "CONNECTOR_POLL_INTERVAL": ("soon", INTERVAL),
    "CONNECTOR_RECONCILE_INTERVAL": ("1 week", INTERVAL),
    "CONNECTOR_REFRESH_INTERVAL": ("nightly", REFRESH),
    "CONNECTOR_DEEP_REFRESH_INTERVAL": ("1y", REFRESH),
    "CONNECTOR_CONCURRENCY": ("many", "use 1 to 64"),
    "CONNECTOR_REQUESTS_PER_MINUTE": ("fast", "use 1 to 1000000"),
    "CONNECTOR_DELETE_MODE": ("never", "use sync or keep"),
    "CONNECTOR_DELETE_GRACE": ("a day", "use 30s, 5m, 24h, 30d or a number of seconds, from 0s to 365d"),
    "CONNECTOR_MAX_DELETES": ("few", "use 0 to 1000000"),
    "CONNECTOR_MAX_DELETE_RATIO": ("20%", "use 0 to 1"),
    "CONNECTOR_MAX_ATTEMPTS": ("3x", "use 1 to 1000"),
    "CONNECTOR_DRAIN_TIMEOUT": ("long", "use 30s, 5m, 24h, 30d or a number of seconds, from 0.1s to 1h"),
    "CONNECTOR_HTTP_HOST": ("http://0.0.0.0", HOST),
    "CONNECTOR_HTTP_PORT": ("http", PORT),
    "CONNECTOR_HTTP_TOKEN": ("two\nlines", KEY),
    "CONNECTOR_WEBHOOK_SECRET": ("two\nlines", KEY),
    "CONNECTOR_WEBHOOK_HOST": ("0.0.0.0:8081", HOST),
    "CONNECTOR_WEBHOOK_PORT": ("-", PORT),
    "CONNECTOR_LOG_LEVEL": ("loud", "use debug, info, warning or error"),
    "CONNECTOR_LOG_FORMAT": ("xml", "use auto, console or json"),
}
HIDDEN = {*(name.upper() for name in SECRETS), "TWELVELABS_BASE_URL", "QDRANT_URL"}
each_setting = pytest.mark.parametrize(("name", "value", "allowed"), [(name, *it) for name, it in BAD.items()])


@pytest.fixture(autouse=True)
def _a_file(place: Place) -> None:
    place.write("a-file", "")


def mistake(place: Place, **given: Any) -> str:
    (found,) = place.mistakes(**given)
    assert "Input should" not in found
    return found


def named(found: str, name: str, value: str, allowed: str) -> bool:
    shown = value not in found if name in HIDDEN else repr(value) in found
    return found.startswith(f"{name}: ") and shown and allowed in found


def test_every_setting_is_tried() -> None:
    assert {name.lower() for name in BAD} | {"overrides"} == set(Settings.model_fields)


@each_setting
@pytest.mark.parametrize("source", ["environment", "dotenv", "command line"])
def test_a_bad_value_in_any_source(place: Place, source: str, name: str, value: str, allowed: str) -> None:
    place.patch.delenv(name, raising=False)
    if source == "environment":
        place.environment(**{name: value})
    elif source == "dotenv":
        place.write(".env", f"{name}={json.dumps(value)}")
    given = {name.lower(): value} if source == "command line" else {}

    assert named(mistake(place, **given), name, value, allowed)


@pytest.mark.parametrize("name", [name.upper() for name in SECRETS])
def test_a_bad_value_in_the_file_of_a_secret(place: Place, name: str) -> None:
    place.patch.delenv(name, raising=False)
    place.environment(**{f"{name}_FILE": str(place.write("bad", BAD[name][0]))})

    assert named(mistake(place), name, *BAD[name])


@each_setting
def test_a_bad_value_in_the_settings_file(place: Place, name: str, value: str, allowed: str) -> None:
    """Text where the file has a number or a boolean is refused because of its type."""
    place.patch.delenv(name, raising=False)
    found = mistake(place, config=place.write("c.toml", f"{name.lower()} = {json.dumps(value)}"))

    assert named(found, name, value, "without quotes" if " is a string: use " in found else allowed)


@each_setting
@pytest.mark.parametrize("literal", ["1979-05-27", "07:32:00", "[[1]]", "{a = 1}", "true", "1", "1.5", "[5]"])
def test_a_bad_type_in_the_settings_file(place: Place, name: str, value: str, allowed: str, literal: str) -> None:
    place.patch.delenv(name, raising=False)
    found = place.mistakes(config=place.write("c.toml", f"{name.lower()} = {literal}"))

    if name.lower() in SECRETS:
        assert "1979" not in str(found)
    assert all(line.startswith((f"{name}: ", "indexes: ")) for line in found)
    assert not [line for line in found if "Input should" in line or "datetime." in line]
    assert all(": use " in line or "needs an id" in line or allowed in line for line in found)


@each_setting
@pytest.mark.parametrize("wrong", [object(), b"x", 3 + 4j, [[1]], {"a": object()}], ids=lambda it: type(it).__name__)
def test_a_bad_type_from_the_program(place: Place, name: str, value: str, allowed: str, wrong: Any) -> None:
    found = place.mistakes(**{name.lower(): wrong})

    assert all(line.startswith(f"{name}: ") for line in found)
    assert "Input should" not in str(found)


@pytest.mark.parametrize("key", sorted(IndexOverride.model_fields.keys() - {"id", "cron"}))
def test_a_bad_value_in_a_table_of_indexes(place: Place, key: str) -> None:
    place.patch.delenv("CONNECTOR_INDEXES")
    value, allowed = BAD[f"CONNECTOR_{key.upper()}"]
    found = mistake(place, config=place.write("c.toml", f'[[indexes]]\nid = "a"\n{key} = {json.dumps(value)}'))

    assert found.startswith(f"table 1 of indexes: {key}: {value!r} ")
    assert ("without quotes" if " is a string: use " in found else allowed) in found


@pytest.mark.parametrize("name", [name for name in BAD if name not in HIDDEN])
def test_text_with_a_nul_in_dotenv_is_a_mistake(place: Place, name: str) -> None:
    place.patch.delenv(name, raising=False)
    place.write(".env", f'{name}="a\0b"')
    with pytest.raises(ConfigError, match="NUL"):
        place.load()


def test_hidden_values_are_those_that_may_be_keys() -> None:
    assert {name.lower() for name in HIDDEN} >= set(SECRETS)
    assert set(REQUIRED) <= BAD.keys()
