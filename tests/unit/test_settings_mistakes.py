"""Every mistake is named, with its cause and what to write instead, and all of them at once."""

import pytest

from connector.errors import ConfigError
from tests.unit.settings_place import Place

WRONG = [
    ("CONNECTOR_INDEXES", ",", "it names no index: give index ids, or * for all of the account"),
    ("CONNECTOR_INDEXES", "my index", "'my index' is no index id"),
    ("CONNECTOR_INDEXES", "a/b", "'a/b' is no index id"),
    ("CONNECTOR_INDEXES", "*,a", "* means every index: leave the ids away, or the *"),
    ("TWELVELABS_BASE_URL", "api.twelvelabs.io", "is no address: it starts with http:// or https://"),
    ("QDRANT_URL", "ftp://qdrant", "is no address: it starts with http:// or https://"),
    ("QDRANT_URL", "http://", "and names a host"),
    ("QDRANT_URL", "http://qdrant:port", "is no address"),
    ("QDRANT_URL", "http://qdrant:70000", "is no address"),
    ("QDRANT_URL", "http://[::1", "is no address"),
    ("QDRANT_URL", "http://qdrant:0", "is no address"),
    ("QDRANT_GRPC_PORT", "0", "greater than or equal to 1"),
    ("QDRANT_GRPC_PORT", "65536", "less than or equal to 65535"),
    ("QDRANT_GRPC_PORT", "grpc", "valid integer"),
    ("CONNECTOR_TRANSCRIPT", "perhaps", "valid boolean"),
    ("CONNECTOR_METADATA_INDEXES", "category", "'category' is not key:type with a type of keyword, integer, float"),
    ("CONNECTOR_METADATA_INDEXES", "category:words", "'category:words' is not key:type"),
    ("CONNECTOR_METADATA_INDEXES", ":keyword", "':keyword' is not key:type"),
    ("CONNECTOR_COLLECTION", "twelvelabs", "must contain {model}: vectors of different models are not comparable"),
    ("CONNECTOR_COLLECTION", "{model}{env}", "may contain {model} and {index_id} only"),
    ("CONNECTOR_COLLECTION", "{model", "is no template"),
    ("CONNECTOR_COLLECTION", "a/{model}", "letters, digits, dots, hyphens and underscores only"),
    ("CONNECTOR_POLL_INTERVAL", "0", "is no duration: write 30s, 5m, 24h, 30d or plain seconds"),
    ("CONNECTOR_POLL_INTERVAL", "-5s", "is no duration"),
    ("CONNECTOR_RECONCILE_INTERVAL", "1 week", "is no duration"),
    ("CONNECTOR_REFRESH_INTERVAL", "nan", "is no duration"),
    ("CONNECTOR_DRAIN_TIMEOUT", "soon", "is no duration"),
    ("CONNECTOR_CONCURRENCY", "0", "greater than or equal to 1"),
    ("CONNECTOR_CONCURRENCY", "65", "less than or equal to 64"),
    ("CONNECTOR_REQUESTS_PER_MINUTE", "0", "greater than or equal to 1"),
    ("CONNECTOR_DELETE_MODE", "never", "'sync' or 'keep'"),
    ("CONNECTOR_MAX_DELETES", "-1", "greater than or equal to 0"),
    ("CONNECTOR_MAX_DELETES", "2.5", "valid integer"),
    ("CONNECTOR_MAX_DELETE_RATIO", "1.01", "less than or equal to 1"),
    ("CONNECTOR_MAX_DELETE_RATIO", "nan", "less than or equal to 1"),
    ("CONNECTOR_MAX_ATTEMPTS", "0", "greater than or equal to 1"),
    ("CONNECTOR_MAX_DELETE_RATIO", "-0.1", "greater than or equal to 0"),
    ("CONNECTOR_HTTP_PORT", "-1", "greater than or equal to 0"),
    ("CONNECTOR_WEBHOOK_PORT", "99999", "less than or equal to 65535"),
    ("CONNECTOR_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
    ("CONNECTOR_LOG_FORMAT", "xml", "'auto', 'console' or 'json'"),
]


@pytest.mark.parametrize(("variable", "value", "words"), WRONG)
def test_a_bad_value_is_named_with_what_is_wanted(place: Place, variable: str, value: str, words: str) -> None:
    place.environment(**{variable: value})
    (mistake,) = place.mistakes()
    assert mistake.startswith(f"{variable}: ")
    assert words in mistake


def test_all_mistakes_come_at_once(bare: Place) -> None:
    """Wherever they stand: nobody wants to start the program five times to find five of them."""
    bare.environment(CONNECTOR_CONCURRENCY="none", CONNECTOR_MAX_DELETE="5")
    bare.write(".env", "CONNECTOR_POLL_INTERVALL=5s\nQDRANT_GRPC_PORT=x")
    bare.write("c.toml", "retries = 5\nmax_attempts = 0")
    bare.environment(CONNECTOR_CONFIG="c.toml")
    with pytest.raises(ConfigError) as refused:
        bare.load()
    found = {line.split()[1].rstrip(":") for line in str(refused.value).splitlines()[1:]}
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
    assert place.mistakes() == [f"{name.upper()} is no setting: did you mean {meant}?"]


def test_other_unknown_variables_are_warned_about_once(place: Place) -> None:
    place.environment(CONNECTOR_TEAM="video")
    place.write(".env", "CONNECTOR_TEAM=video\nCONNECTOR_ZZZ=1")
    assert place.load_with_warnings()[1] == ["CONNECTOR_TEAM is no setting", "CONNECTOR_ZZZ is no setting"]


def test_the_variables_that_kubernetes_sets_for_a_service_are_ignored(place: Place) -> None:
    """A service named `connector` gives every pod of its namespace these."""
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
    assert mistake.endswith("(TWELVE_LABS_API_KEY is set, which is something else)")
    assert "tlk_1" not in mistake


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("concurency", ": did you mean concurrency?"),
        ("CONNECTOR_POLL_INTERVALS", ": did you mean poll_interval?"),
        ("qdrant_ur", ": did you mean qdrant_url?"),
        ("colour", ""),
        ("config", ""),
        ("overrides", ""),
    ],
)
def test_an_unknown_key_of_the_file_is_a_mistake(place: Place, key: str, hint: str) -> None:
    path = place.write("connector.toml", f"{key} = 1")
    assert place.mistakes(config=path) == [f"{key} in {path} is no setting{hint}"]


@pytest.mark.parametrize(
    ("content", "words"), [("max_deletes = ", "is no TOML"), ("max_deletes = 1\nmax_deletes = 2", "is no TOML")]
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


def test_a_dotenv_that_cannot_be_read_is_named(place: Place) -> None:
    (place.directory / ".env").write_bytes(b"CONNECTOR_MAX_DELETES=\xff")
    (mistake,) = place.mistakes()
    assert mistake.startswith("cannot read .env: ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('max_deletes = "ten"', "CONNECTOR_MAX_DELETES: Input should be a valid integer"),
        ("indexes = 5", "CONNECTOR_INDEXES: 5 is no comma-separated list"),
        ("embedding_options = [1]", "CONNECTOR_EMBEDDING_OPTIONS: [1] is no comma-separated list"),
        ("poll_interval = true", "CONNECTOR_POLL_INTERVAL: True is no duration"),
        ("twelvelabs_api_key = 5", "TWELVELABS_API_KEY: Input should be a valid string"),
        ("metadata_indexes = {a = 5}", "CONNECTOR_METADATA_INDEXES: 'a:5' is not key:type"),
        ("log_level = []", "CONNECTOR_LOG_LEVEL: Input should be 'debug'"),
    ],
)
def test_a_value_of_the_wrong_type_in_the_file_is_named(bare: Place, line: str, words: str) -> None:
    given = {"TWELVELABS_API_KEY": "tlk", "CONNECTOR_INDEXES": "a"}
    bare.environment(**{name: value for name, value in given.items() if name not in words})
    (mistake,) = bare.mistakes(config=bare.write("connector.toml", line))
    assert mistake.startswith(words)
