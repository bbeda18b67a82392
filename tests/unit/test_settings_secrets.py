"""Secrets come from variables, files that variables name, and mounted files, and are never shown."""

import pickle

import pytest

from connector.domain.errors import ConfigError
from tests.unit.settings_place import Place

SECRETS = ["TWELVELABS_API_KEY", "QDRANT_API_KEY", "CONNECTOR_WEBHOOK_SECRET"]
READABLE = "it must exist, and the user that runs the connector must be able to read it"


@pytest.fixture
def indexed(bare: Place) -> Place:
    """Only the key is missing."""
    bare.environment(CONNECTOR_INDEXES="index-1")
    return bare


def key_of(place: Place) -> str:
    return place.load().twelvelabs_api_key.get_secret_value()


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("how", ["named in the environment", "named in .env", "mounted"])
def test_every_secret_can_come_from_a_file(indexed: Place, name: str, how: str) -> None:
    if name != "TWELVELABS_API_KEY":
        indexed.environment(TWELVELABS_API_KEY="tlk")
    mounted = how == "mounted"
    path = indexed.write(f"secrets/{name.lower()}" if mounted else "key", "from a file\n")
    if how == "named in the environment":
        indexed.environment(**{f"{name}_FILE": str(path)})
    elif how == "named in .env":
        indexed.write(".env", f"{name}_FILE={path}")
    assert getattr(indexed.load(), name.lower()).get_secret_value() == "from a file"


def test_precedence_of_secrets(indexed: Place) -> None:
    """Environment and the files it names, then .env, then mounted ones, then the settings file."""
    indexed.write("connector.toml", 'twelvelabs_api_key = "toml"')
    indexed.environment(CONNECTOR_CONFIG="connector.toml")
    assert key_of(indexed) == "toml"
    indexed.write("secrets/twelvelabs_api_key", "mounted")
    assert key_of(indexed) == "mounted"
    indexed.write(".env", "TWELVELABS_API_KEY=dotenv")
    assert key_of(indexed) == "dotenv"
    path = indexed.write("key", "named")
    indexed.environment(TWELVELABS_API_KEY_FILE=str(path))
    assert key_of(indexed) == "named"
    indexed.patch.delenv("TWELVELABS_API_KEY_FILE")
    indexed.environment(TWELVELABS_API_KEY="environment")
    assert key_of(indexed) == "environment"


def test_an_empty_file_variable_is_unset(indexed: Place) -> None:
    indexed.environment(TWELVELABS_API_KEY="tlk", TWELVELABS_API_KEY_FILE="")
    assert key_of(indexed) == "tlk"


def test_a_secret_and_its_file_contradict_each_other(indexed: Place) -> None:
    path = indexed.write("key", "tlk_file")
    indexed.environment(TWELVELABS_API_KEY="tlk_variable", TWELVELABS_API_KEY_FILE=str(path))
    assert indexed.mistakes() == ["TWELVELABS_API_KEY and TWELVELABS_API_KEY_FILE are both set: remove one"]


def test_the_same_in_dotenv(indexed: Place) -> None:
    path = indexed.write("key", "tlk_file")
    indexed.write(".env", f"TWELVELABS_API_KEY=tlk\nTWELVELABS_API_KEY_FILE={path}")
    assert indexed.mistakes() == ["TWELVELABS_API_KEY and TWELVELABS_API_KEY_FILE are both set: remove one"]


def test_a_secret_file_that_cannot_be_read_is_named(indexed: Place) -> None:
    binary = indexed.directory / "binary"
    binary.write_bytes(b"\xff\xfe")
    for path in (indexed.directory / "missing", indexed.directory, binary):
        indexed.environment(TWELVELABS_API_KEY="", TWELVELABS_API_KEY_FILE=str(path))
        (mistake,) = indexed.mistakes()
        assert mistake.startswith(f"TWELVELABS_API_KEY_FILE: cannot read {path} (")
        assert mistake.endswith(READABLE)


@pytest.mark.parametrize("content", ["", " \n\t\n"])
def test_an_empty_secret_file_is_named(indexed: Place, content: str) -> None:
    path = indexed.write("key", content)
    indexed.environment(TWELVELABS_API_KEY_FILE=str(path))
    assert indexed.mistakes() == [
        f"TWELVELABS_API_KEY_FILE: {path} is empty: write the secret into it, or remove the setting"
    ]


def test_a_mounted_secret_that_cannot_be_read_is_named(indexed: Place) -> None:
    indexed.environment(TWELVELABS_API_KEY="tlk")
    (indexed.directory / "secrets" / "qdrant_api_key").mkdir(parents=True)
    (mistake,) = indexed.mistakes()
    assert mistake.startswith("QDRANT_API_KEY: cannot read ")
    assert mistake.endswith(READABLE)


@pytest.mark.parametrize("where", ["environment", "dotenv", "mounted"])
@pytest.mark.parametrize("what", ["missing", "empty"])
def test_a_key_file_that_cannot_be_used_is_one_mistake(indexed: Place, where: str, what: str) -> None:
    """The key is not required as well."""
    path = indexed.directory / "key" if what == "missing" else indexed.write("key", "")
    if where == "environment":
        indexed.environment(TWELVELABS_API_KEY_FILE=str(path))
    elif where == "dotenv":
        indexed.write(".env", f"TWELVELABS_API_KEY_FILE={path}")
    elif what == "empty":
        indexed.write("secrets/twelvelabs_api_key", "")
    else:
        (indexed.directory / "secrets" / "twelvelabs_api_key").mkdir(parents=True)

    assert len(indexed.mistakes()) == 1


def test_other_mounted_files_are_nobodys_business(indexed: Place) -> None:
    indexed.write("secrets/database_password", "x")
    indexed.write("secrets/connector_indexes", "x")
    indexed.environment(TWELVELABS_API_KEY="tlk")
    settings, warnings = indexed.load_with_warnings()
    assert (settings.connector_indexes, warnings) == (("index-1",), [])


def test_only_secrets_have_a_file_variable(indexed: Place) -> None:
    indexed.environment(TWELVELABS_API_KEY="tlk", CONNECTOR_INDEXES_FILE="x")
    settings, warnings = indexed.load_with_warnings()
    assert (settings.connector_indexes, warnings) == (("index-1",), ["Unknown setting CONNECTOR_INDEXES_FILE"])


def test_secrets_do_not_show(indexed: Place) -> None:
    indexed.environment(
        TWELVELABS_API_KEY="hidden-one", QDRANT_API_KEY="hidden-two", CONNECTOR_WEBHOOK_SECRET="hidden-three"
    )
    settings = indexed.load()
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "hidden" not in shown


@pytest.mark.parametrize(
    "variables",
    [
        {"CONNECTOR_CONCURRENCY": "many"},
        {"TWELVELABS_API_KEY_FILE": "missing"},
        {"QDRANT_URL": "http://user:hidden-in-address@qdrant:6333"},
        {"QDRANT_URL": "user:hidden-in-address@qdrant:6333"},
        {"TWELVELABS_BASE_URL": "ftp://hidden-in-address@host"},
        {"CONNECTOR_WEBHOOK_SECRETS": "hidden-in-unknown"},
    ],
)
def test_mistakes_do_not_show_secrets(indexed: Place, variables: dict[str, str]) -> None:
    """Neither the secrets next to the mistake nor one inside it."""
    indexed.environment(TWELVELABS_API_KEY="hidden-one", QDRANT_API_KEY="hidden-two", **variables)
    with pytest.raises(ConfigError) as refused:
        indexed.load()
    assert "hidden" not in f"{refused.value} {refused.value!r} {pickle.dumps(refused.value)!r}"
    assert refused.value.__cause__ is None


def test_an_address_with_a_key_in_it_is_refused(indexed: Place) -> None:
    indexed.environment(TWELVELABS_API_KEY="tlk", QDRANT_URL="http://user:key@qdrant:6333")
    assert indexed.mistakes() == [
        "QDRANT_URL: an address must not contain a user name or password: set keys in their own settings"
    ]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("where", ["environment", "dotenv", "file", "toml", "mounted"])
def test_white_space_around_a_secret_is_no_part_of_it(indexed: Place, name: str, where: str) -> None:
    if name != "TWELVELABS_API_KEY":
        indexed.environment(TWELVELABS_API_KEY="tlk")
    text, config = " \t a-secret-of-mine\r\n", None
    if where == "environment":
        indexed.environment(**{name: text})
    elif where == "dotenv":
        indexed.write(".env", f'{name}=" \\t a-secret-of-mine\\r\\n"')
    elif where == "file":
        indexed.environment(**{f"{name}_FILE": str(indexed.write("key", text))})
    elif where == "toml":
        config = indexed.write("c.toml", f'{name.lower()} = " \\t a-secret-of-mine\\r\\n"')
    else:
        indexed.write(f"secrets/{name.lower()}", text)

    assert getattr(indexed.load(config=config), name.lower()).get_secret_value() == "a-secret-of-mine"


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("character", ["\n", "\r\n", "\t", "\x7f", "\x1b", "ü", "\u200b", "\udcff"])
def test_a_character_that_no_secret_has_is_refused_and_nothing_of_it_is_shown(
    indexed: Place, name: str, character: str
) -> None:
    indexed.environment(**{"TWELVELABS_API_KEY": "tlk", name: f"first-half{character}second-half"})

    assert indexed.mistakes() == [
        f"{name}: it has characters that a key cannot have (value not shown): copy it again, without line breaks"
    ]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_of_white_space_is_none(indexed: Place, name: str) -> None:
    indexed.environment(**{"TWELVELABS_API_KEY": "tlk", name: " \t"})
    assert indexed.mistakes() == [f"{name}: it contains only white space: set it, or leave it empty"]


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY", "grpc_proxy"])
@pytest.mark.parametrize("character", ["\n", " ", "ü", "\udcff"])
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(indexed: Place, name: str, character: str) -> None:
    indexed.environment(**{"TWELVELABS_API_KEY": "tlk", name: f"http://user:hidden{character}word@proxy:3128"})

    (mistake,) = indexed.mistakes()

    assert mistake.startswith(f"{name.upper()}: 'http://[secret]@proxy:3128' has spaces or other characters")
    assert "hidden" not in mistake


@pytest.mark.parametrize("name", ["QDRANT_URL", "TWELVELABS_BASE_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "http://user:hidden%40host:x",
        "http://host:6333?api_key=hidden",
        "http://host:6333/#hidden",
        "http://host hidden",
        "hidden",
    ],
)
def test_what_is_wrong_with_an_address_does_not_show_it(indexed: Place, name: str, address: str) -> None:
    indexed.environment(**{"TWELVELABS_API_KEY": "tlk", name: address})

    (mistake,) = indexed.mistakes()

    assert mistake.startswith(f"{name}: ")
    assert "hidden" not in mistake


def test_a_secret_where_the_path_of_its_file_belongs_is_not_shown(indexed: Place) -> None:
    indexed.environment(TWELVELABS_API_KEY_FILE="tlk_hidden_secret")
    with pytest.raises(ConfigError, match=r"TWELVELABS_API_KEY_FILE: cannot read \[secret\]") as refused:
        indexed.load()
    assert "tlk_hidden" not in str(refused.value)


def test_a_secret_at_the_place_of_another_setting_is_not_shown(indexed: Place) -> None:
    indexed.environment(TWELVELABS_API_KEY="tlk_hidden_key", CONNECTOR_POLL_INTERVAL="tlk_hidden_key")
    assert indexed.mistakes()[0].startswith("CONNECTOR_POLL_INTERVAL: '[secret]' is not a duration")
