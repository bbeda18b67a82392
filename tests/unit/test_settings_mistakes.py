"""Every mistake is named, with its cause and the correction, and all of them at once."""

import json
import re
from pathlib import Path

import pytest

from connector.domain.errors import ConfigError
from tests.unit.settings_place import Place

NO_ADDRESS = (
    "it is not a valid server address (value not shown: it may be a key): use http://host:port or https://host:port"
)
WRONG = [
    ("CONNECTOR_INDEXES", ",", "it names no index: use index ids, or * for all indexes of the account"),
    ("CONNECTOR_INDEXES", "my index", "'my index' is not a valid index id"),
    ("CONNECTOR_INDEXES", "a/b", "'a/b' is not a valid index id"),
    ("CONNECTOR_INDEXES", "*,a", "* means every index: omit the ids, or the *"),
    (
        "TWELVELABS_BASE_URL",
        "api.twelvelabs.io",
        NO_ADDRESS,
    ),
    ("QDRANT_URL", "ftp://qdrant", NO_ADDRESS),
    ("QDRANT_URL", "http://", "it is not a valid server address"),
    ("QDRANT_URL", "http://qdrant:port", "it is not a valid server address"),
    ("QDRANT_URL", "http://qdrant:70000", "it is not a valid server address"),
    ("QDRANT_URL", "http://[::1", "it is not a valid server address"),
    ("QDRANT_URL", "http://qdrant:0", "it is not a valid server address"),
    ("QDRANT_GRPC_PORT", "0", "'0' is out of range: use 1 to 65535"),
    ("QDRANT_GRPC_PORT", "65536", "'65536' is out of range: use 1 to 65535"),
    ("QDRANT_GRPC_PORT", "grpc", "'grpc' is not a whole number: use 1 to 65535"),
    ("CONNECTOR_TRANSCRIPT", "perhaps", "'perhaps' is not valid: use true or false"),
    (
        "CONNECTOR_METADATA_INDEXES",
        "category",
        "'category' is not a valid key:type: use one of the types keyword, integer, float",
    ),
    ("CONNECTOR_METADATA_INDEXES", "category:words", "'category:words' is not a valid key:type"),
    ("CONNECTOR_METADATA_INDEXES", ":keyword", "':keyword' is not a valid key:type"),
    ("CONNECTOR_COLLECTION", "twelvelabs", "must contain {model}: vectors of different models are not comparable"),
    ("CONNECTOR_COLLECTION", "{model}{env}", "has an unknown placeholder: use only {model} and {index_id}"),
    ("CONNECTOR_COLLECTION", "{model", "is not a valid template"),
    ("CONNECTOR_COLLECTION", "a/{model}", "use only letters, digits, dots, hyphens and underscores"),
    ("CONNECTOR_POLL_INTERVAL", "0", "'0' is out of range: use 0.1s to 365d"),
    (
        "CONNECTOR_POLL_INTERVAL",
        "-5s",
        "is not a duration: use 30s, 5m, 24h, 30d or a number of seconds, from 0.1s to 365d",
    ),
    ("CONNECTOR_RECONCILE_INTERVAL", "1 week", "is not a duration"),
    ("CONNECTOR_REFRESH_INTERVAL", "nan", "is not a duration"),
    ("CONNECTOR_DRAIN_TIMEOUT", "soon", "is not a duration"),
    ("CONNECTOR_CONCURRENCY", "0", "is out of range: use 1 to 64"),
    ("CONNECTOR_CONCURRENCY", "65", "is out of range: use 1 to 64"),
    ("CONNECTOR_REQUESTS_PER_MINUTE", "0", "use 1 to 1000000"),
    ("CONNECTOR_DELETE_MODE", "never", "'never' is not allowed: use sync or keep"),
    ("CONNECTOR_MAX_DELETES", "-1", "is out of range: use 0 to "),
    ("CONNECTOR_MAX_DELETES", "2.5", "is not a whole number: use 0 to 1000000"),
    ("CONNECTOR_MAX_DELETE_RATIO", "1.01", "is out of range: use 0 to 1"),
    ("CONNECTOR_MAX_DELETE_RATIO", "nan", "is out of range: use 0 to 1"),
    ("CONNECTOR_MAX_ATTEMPTS", "0", "is out of range: use 1 to 1000"),
    ("CONNECTOR_MAX_DELETE_RATIO", "-0.1", "is out of range: use 0 to 1"),
    ("CONNECTOR_HTTP_PORT", "-1", "is out of range: use 0 to "),
    ("CONNECTOR_WEBHOOK_PORT", "99999", "is out of range: use 0 to 65535"),
    ("CONNECTOR_LOG_LEVEL", "loud", "'loud' is not allowed: use debug, info, warning or error"),
    ("CONNECTOR_LOG_FORMAT", "xml", "'xml' is not allowed: use auto, console or json"),
]


@pytest.mark.parametrize(("variable", "value", "words"), WRONG)
def test_a_bad_value_is_named_with_what_is_wanted(place: Place, variable: str, value: str, words: str) -> None:
    place.environment(**{variable: value})
    (mistake,) = place.mistakes()
    assert mistake.startswith(f"{variable}: ")
    assert words in mistake


def test_all_mistakes_come_at_once(bare: Place) -> None:
    """In any source: five mistakes must not take five attempts to find."""
    bare.environment(CONNECTOR_CONCURRENCY="none", CONNECTOR_MAX_DELETE="5")
    bare.write(".env", "CONNECTOR_POLL_INTERVALL=5s\nQDRANT_GRPC_PORT=x")
    bare.write("c.toml", "retries = 5\nmax_attempts = 0")
    bare.environment(CONNECTOR_CONFIG="c.toml")
    with pytest.raises(ConfigError) as refused:
        bare.load()
    mistakes = [line.removeprefix("  - ") for line in str(refused.value).splitlines()[1:]]
    found = {re.split(r"\W", line.removeprefix("Unknown setting "), maxsplit=1)[0] for line in mistakes}
    assert found == {
        "TWELVELABS_API_KEY",
        "CONNECTOR_INDEXES",
        "CONNECTOR_CONCURRENCY",
        "CONNECTOR_MAX_DELETE",
        "CONNECTOR_POLL_INTERVALL",
        "QDRANT_GRPC_PORT",
        "retries",
        "CONNECTOR_MAX_ATTEMPTS",
    }
    assert str(refused.value).startswith("read settings: 8 mistakes\n  - ")


def test_one_mistake_is_one(place: Place) -> None:
    place.environment(CONNECTOR_CONCURRENCY="none")
    with pytest.raises(ConfigError, match=r"^read settings: 1 mistake\n"):
        place.load()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CONNECTOR_INDEX", "CONNECTOR_INDEXES"),
        ("CONNECTOR_DATADIR", "CONNECTOR_DATA_DIR"),
        ("CONNECTOR_LOGLEVEL", "CONNECTOR_LOG_LEVEL"),
        ("connector_max_delete", "CONNECTOR_MAX_DELETES"),
        ("CONNECTOR_WEBHOOK_SECRET_FIL", "CONNECTOR_WEBHOOK_SECRET_FILE"),
    ],
)
@pytest.mark.parametrize("where", ["environment", "dotenv"])
def test_a_variable_that_resembles_a_setting_is_a_mistake(place: Place, where: str, name: str, meant: str) -> None:
    if where == "dotenv":
        place.write(".env", f"{name}=1")
    else:
        place.environment(**{name: "1"})
    assert place.mistakes() == [f"Unknown setting {name.upper()}; did you mean {meant}?"]


def test_sparse_vectors_need_transcripts(place: Place) -> None:
    place.environment(CONNECTOR_SPARSE_TRANSCRIPT="true", CONNECTOR_TRANSCRIPT="false")
    cure = "set CONNECTOR_TRANSCRIPT=true, and transcript = false for the indexes that need no transcripts"
    assert place.mistakes() == [
        f"CONNECTOR_SPARSE_TRANSCRIPT: there are no transcripts to make vectors of: {cure}",
    ]


def test_other_unknown_variables_are_warned_about_once(place: Place) -> None:
    place.environment(CONNECTOR_TEAM="video")
    place.write(".env", "CONNECTOR_TEAM=video\nCONNECTOR_ZZZ=1")
    assert place.load_with_warnings()[1] == ["Unknown setting CONNECTOR_TEAM", "Unknown setting CONNECTOR_ZZZ"]


def test_the_variables_that_kubernetes_sets_for_a_service_are_ignored(place: Place) -> None:
    """A service named `connector` gives them to every pod of its namespace."""
    place.environment(
        CONNECTOR_SERVICE_HOST="10.0.0.1",
        CONNECTOR_SERVICE_PORT="8080",
        CONNECTOR_SERVICE_PORT_HTTP="8080",
        CONNECTOR_PORT="tcp://10.0.0.1:8080",
        CONNECTOR_PORT_8080_TCP="tcp://10.0.0.1:8080",
        CONNECTOR_PORT_8080_TCP_ADDR="10.0.0.1",
        CONNECTOR_PORT_8080_TCP_PORT="8080",
        CONNECTOR_PORT_8080_TCP_PROTO="tcp",
    )
    assert place.load_with_warnings()[1] == []


def test_a_misspelled_key_is_pointed_at(bare: Place) -> None:
    bare.environment(CONNECTOR_INDEXES="a", TWELVE_LABS_API_KEY="tlk_1")
    (mistake,) = bare.mistakes()
    assert mistake.endswith("(TWELVE_LABS_API_KEY is set: check the spelling)")
    assert "tlk_1" not in mistake


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("concurency", "; did you mean concurrency?"),
        ("CONNECTOR_POLL_INTERVALS", "; did you mean poll_interval?"),
        ("qdrant_ur", "; did you mean qdrant_url?"),
        ("colour", ""),
        ("config", ""),
        ("overrides", ""),
    ],
)
def test_an_unknown_key_of_the_file_is_a_mistake(place: Place, key: str, hint: str) -> None:
    path = place.write("connector.toml", f"{key} = 1")
    assert place.mistakes(config=path) == [f"Unknown setting {key} in {path}{hint}"]


@pytest.mark.parametrize("key", ["\n", "b\nc", "", " ", "a\u200bb"])
def test_an_unknown_key_that_cannot_be_seen_is_quoted(place: Place, key: str) -> None:
    place.patch.delenv("CONNECTOR_INDEXES")
    written = json.dumps(key, ensure_ascii=False)
    path = place.write("connector.toml", f'{written} = 1\nindexes = [{{id = "a", {written} = 1}}]')
    mistakes = place.mistakes(config=path)
    assert mistakes == [f"Unknown setting {key!r} in {path}", f"table 1 of indexes: unknown setting {key!r}"]


def test_a_table_without_an_id_says_so(place: Place) -> None:
    place.patch.delenv("CONNECTOR_INDEXES")
    path = place.write("connector.toml", "indexes = [{transcript = true}]")
    assert "table 1 of indexes: id is missing" in place.mistakes(config=path)


@pytest.mark.parametrize(
    ("content", "words"),
    [("max_deletes = ", "is not valid TOML"), ("max_deletes = 1\nmax_deletes = 2", "is not valid TOML")],
)
def test_a_file_that_is_no_toml_is_named(place: Place, content: str, words: str) -> None:
    path = place.write("connector.toml", content)
    (mistake,) = place.mistakes(config=path)
    assert mistake.startswith(f"the settings file {path} {words}: ")


def test_a_file_that_cannot_be_read_is_named(place: Place) -> None:
    missing, directory, binary = place.directory / "no.toml", place.directory, place.directory / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    for path in (missing, directory, binary):
        (mistake,) = place.mistakes(config=path)
        assert mistake.startswith(f"cannot read the settings file {path}: ")
    (mistake,) = place.mistakes(config=Path("\n"))
    assert mistake.startswith("cannot read the settings file '\\n': ")


def test_a_dotenv_that_cannot_be_read_is_named(place: Place) -> None:
    (place.directory / ".env").write_bytes(b"CONNECTOR_MAX_DELETES=\xff")
    (mistake,) = place.mistakes()
    assert mistake.startswith("cannot read .env: ")


@pytest.mark.parametrize("name", ["absent.toml", "broken.toml", "binary.env"])
def test_what_a_file_that_cannot_be_read_may_hold_is_not_missing(bare: Place, name: str) -> None:
    """One mistake, not three: the file may set what is required."""
    bare.write("broken.toml", "indexes = ")
    if name == "binary.env":
        (bare.directory / ".env").write_bytes(b"CONNECTOR_INDEXES=\xff")
    else:
        bare.environment(CONNECTOR_CONFIG=name)
    assert len(bare.mistakes()) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("concurrency = true", "CONNECTOR_CONCURRENCY: true is a boolean: use a whole number, without quotes"),
        ("concurrency = 4.0", "CONNECTOR_CONCURRENCY: 4.0 is a number with a fraction: use a whole number"),
        ('concurrency = "4"', "CONNECTOR_CONCURRENCY: '4' is a string: use a whole number, without quotes"),
        ('max_deletes = "ten"', "CONNECTOR_MAX_DELETES: 'ten' is a string: use a whole number"),
        ("max_deletes = {}", "CONNECTOR_MAX_DELETES: {} is a table: use a whole number"),
        ('max_delete_ratio = "0.2"', "CONNECTOR_MAX_DELETE_RATIO: '0.2' is a string: use a number, without quotes"),
        ("max_delete_ratio = false", "CONNECTOR_MAX_DELETE_RATIO: false is a boolean: use a number"),
        ("max_delete_ratio = nan", "CONNECTOR_MAX_DELETE_RATIO: nan is out of range: use 0 to 1"),
        ('transcript = "no"', "CONNECTOR_TRANSCRIPT: 'no' is a string: use true or false, without quotes"),
        ("media_links = 1", "CONNECTOR_MEDIA_LINKS: 1 is a whole number: use true or false"),
        ("indexes = 5", "CONNECTOR_INDEXES: 5 is a whole number: use a list of strings"),
        ("indexes = true", "CONNECTOR_INDEXES: true is a boolean: use a list of strings"),
        ("[indexes]\na = 1", "CONNECTOR_INDEXES: {'a': 1} is a table: use a list of strings"),
        ("embedding_options = [1]", "CONNECTOR_EMBEDDING_OPTIONS: 1 is a whole number: use a list of strings"),
        ("poll_interval = true", "CONNECTOR_POLL_INTERVAL: true is a boolean: use a duration"),
        (
            "poll_interval = 12:00:00",
            "CONNECTOR_POLL_INTERVAL: 12:00:00 is a time of day: use a duration",
        ),
        ("poll_interval = -1", "CONNECTOR_POLL_INTERVAL: -1 is not a duration"),
        ("poll_interval = inf", "CONNECTOR_POLL_INTERVAL: inf is not a duration"),
        ("twelvelabs_api_key = 5", "TWELVELABS_API_KEY: it is a whole number: use a string in quotes"),
        ("qdrant_url = 6333", "QDRANT_URL: 6333 is a whole number: use a string in quotes"),
        ("data_dir = 2026-01-01", "CONNECTOR_DATA_DIR: 2026-01-01 is a date: use a string"),
        ("http_host = 127", "CONNECTOR_HTTP_HOST: 127 is a whole number: use a string in quotes"),
        ("collection = ['a-{model}']", "CONNECTOR_COLLECTION: ['a-{model}'] is a list: use a string in quotes"),
        ("delete_mode = false", 'CONNECTOR_DELETE_MODE: false is a boolean: use "sync" or "keep"'),
        ("metadata_indexes = {a = 5}", "CONNECTOR_METADATA_INDEXES: 5 is a whole number: use a list or table"),
        ("log_level = []", 'CONNECTOR_LOG_LEVEL: [] is a list: use "debug" or "info"'),
    ],
)
def test_a_value_of_the_wrong_type_in_the_file_is_named(bare: Place, line: str, words: str) -> None:
    """Once, even if the setting is required."""
    given = {"TWELVELABS_API_KEY": "tlk", "CONNECTOR_INDEXES": "a"}
    bare.environment(**{name: value for name, value in given.items() if name not in words})
    (mistake,) = bare.mistakes(config=bare.write("connector.toml", line))
    assert mistake.startswith(words)


@pytest.mark.parametrize("name", ["CONNECTOR_DATA_DIR", "CONNECTOR_HTTP_HOST", "CONNECTOR_METADATA_INDEXES"])
def test_bytes_that_are_no_text_are_a_mistake(place: Place, name: str) -> None:
    """Otherwise the first file, response or request that contains them would raise an exception."""
    place.environment(**{name: "a\udcff:keyword"})
    assert place.mistakes() == [f"{name}: it is not valid UTF-8 or contains a NUL character: correct it"]


def test_a_nul_in_the_file_is_a_mistake(place: Place) -> None:
    path = place.write("c.toml", 'data_dir = "a\\u0000b"')
    assert place.mistakes(config=path) == [
        "CONNECTOR_DATA_DIR: it is not valid UTF-8 or contains a NUL character: correct it"
    ]
