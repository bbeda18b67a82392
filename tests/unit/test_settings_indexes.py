"""Which indexes are synced, and the settings of a single index."""

from pathlib import Path
from typing import Any

import pytest

from connector.domain.index_settings import IndexSettings
from connector.settings.per_index import Timing
from tests.builders import index_settings
from tests.unit.settings_place import Place


@pytest.fixture
def keyed(bare: Place) -> Place:
    """Only the indexes are missing."""
    bare.environment(TWELVELABS_API_KEY="tlk")
    return bare


def toml(place: Place, content: str) -> Path:
    return place.write("connector.toml", content)


@pytest.mark.parametrize(
    ("text", "indexes"),
    [
        ("a", ("a",)),
        (" a , b,a,", ("a", "b")),
        ("*", ("*",)),
        ("66f1cde8163dbc55ba3bb220", ("66f1cde8163dbc55ba3bb220",)),
    ],
)
def test_indexes_are_listed_with_commas(keyed: Place, text: str, indexes: tuple[str, ...]) -> None:
    keyed.environment(CONNECTOR_INDEXES=text)
    assert keyed.load().connector_indexes == indexes


@pytest.mark.parametrize(
    ("content", "indexes"),
    [
        ('indexes = "a,b"', ("a", "b")),
        ('indexes = ["a", "b"]', ("a", "b")),
        ('[[indexes]]\nid = "a"\n[[indexes]]\nid = "b"', ("a", "b")),
        ('indexes = ["a", {id = "b"}]', ("a", "b")),
        ('[[connector_indexes]]\nid = "a"', ("a",)),
    ],
)
def test_a_file_lists_indexes_as_text_ids_or_tables(keyed: Place, content: str, indexes: tuple[str, ...]) -> None:
    assert keyed.load(config=toml(keyed, content)).connector_indexes == indexes


OVERRIDES: list[tuple[str, str, Any]] = [
    ('collection = "special-{model}"', "collection", "special-{model}"),
    ('embedding_options = "visual"', "embedding_options", ("visual",)),
    ('embedding_options = ["visual", "audio"]', "embedding_options", ("visual", "audio")),
    ("transcript = false", "transcript", False),
    ('delete_mode = "keep"', "delete_mode", "keep"),
    ('metadata_indexes = "a:keyword"', "metadata_indexes", {"a": "keyword"}),
    ('metadata_indexes = {a = "integer"}', "metadata_indexes", {"a": "integer"}),
]


@pytest.mark.parametrize(("line", "key", "value"), OVERRIDES)
def test_a_table_overrides_for_its_index_only(keyed: Place, line: str, key: str, value: Any) -> None:
    settings = keyed.load(config=toml(keyed, f'[[indexes]]\nid = "a"\n{line}\n[[indexes]]\nid = "b"'))
    assert getattr(settings.of_index("a"), key) == value
    assert settings.of_index("b") == index_settings("b")


def test_what_a_table_does_not_say_is_as_for_all(keyed: Place) -> None:
    keyed.environment(
        CONNECTOR_COLLECTION="all-{model}",
        CONNECTOR_EMBEDDING_OPTIONS="audio",
        CONNECTOR_TRANSCRIPT="false",
        CONNECTOR_MEDIA_LINKS="true",
        CONNECTOR_PAYLOAD_PROFILE="frameworks",
        CONNECTOR_METADATA_INDEXES="a:keyword",
        CONNECTOR_DELETE_MODE="keep",
        CONNECTOR_DELETE_GRACE="3d",
        CONNECTOR_MAX_DELETES="1",
        CONNECTOR_MAX_DELETE_RATIO="0.5",
        CONNECTOR_MAX_ATTEMPTS="2",
        CONNECTOR_REFRESH_INTERVAL="1h",
        CONNECTOR_DEEP_REFRESH_INTERVAL="2h",
    )
    settings = keyed.load(config=toml(keyed, '[[indexes]]\nid = "a"'))
    assert settings.of_index("a") == IndexSettings(
        "a",
        collection="all-{model}",
        embedding_options=("audio",),
        transcript=False,
        media_links=True,
        payload_profile="frameworks",
        sparse_transcript=False,
        metadata_indexes={"a": "keyword"},
        delete_mode="keep",
        delete_grace=3 * 86_400.0,
        max_deletes=1,
        max_delete_ratio=0.5,
        max_attempts=2,
        refresh_interval=3600.0,
        deep_refresh_interval=7200.0,
    )


def test_an_index_without_transcripts_has_no_sparse_vectors(keyed: Place) -> None:
    keyed.environment(CONNECTOR_SPARSE_TRANSCRIPT="true")
    settings = keyed.load(config=toml(keyed, '[[indexes]]\nid = "a"\ntranscript = false'))
    assert [settings.of_index(name).sparse_transcript for name in "ab"] == [False, True]
    assert settings.of_index("a").point_settings.keys() == {"embedding_options", "transcript", "media_links"}


def test_an_override_holds_over_the_environment(keyed: Place) -> None:
    """It is more specific: this index, not all."""
    keyed.environment(CONNECTOR_INDEXES="a,b", CONNECTOR_DELETE_MODE="keep", CONNECTOR_TRANSCRIPT="true")
    content = '[[indexes]]\nid = "a"\ndelete_mode = "sync"\ntranscript = false'
    settings = keyed.load(config=toml(keyed, content))
    assert settings.connector_indexes == ("a", "b")
    assert [(it.delete_mode, it.transcript) for it in map(settings.of_index, "ab")] == [("sync", False), ("keep", True)]


def test_the_timing_of_an_index(keyed: Place) -> None:
    keyed.environment(CONNECTOR_POLL_INTERVAL="30s", CONNECTOR_INDEXES="a,b,c")
    content = '[[indexes]]\nid = "a"\npoll_interval = "5m"\nreconcile_interval = 7200\n'
    settings = keyed.load(config=toml(keyed, content + '[[indexes]]\nid = "c"\ncron = "0 3 * * sun"'))
    assert settings.timing_of("a") == Timing(300.0, 7200.0, None)
    assert settings.timing_of("b") == Timing(30.0, 3600.0, None)
    assert settings.timing_of("c") == Timing(30.0, 3600.0, "0 3 * * sun")
    assert [settings.timing_of(name).period_sec for name in "abc"] == [7200.0, 3600.0, 7 * 86_400.0]


@pytest.mark.parametrize("expression", ["", "daily", "0 3 * *", "61 * * * *", "0 3 * * 8", "0 3 * * someday"])
def test_a_cron_expression_that_is_none_is_a_mistake(keyed: Place, expression: str) -> None:
    (found,) = keyed.mistakes(config=toml(keyed, f'[[indexes]]\nid = "a"\ncron = "{expression}"'))
    assert found.startswith(f"table 1 of indexes: cron: {expression!r} is not a valid cron expression")
    assert found.endswith("use five fields: minute, hour, day of month, month, weekday, like 0 3 * * sun")


def test_a_moment_that_never_comes_is_a_mistake(keyed: Place) -> None:
    expected = ["table 1 of indexes: cron: '0 0 30 2 *' never occurs: use a date that exists"]
    assert keyed.mistakes(config=toml(keyed, '[[indexes]]\nid = "a"\ncron = "0 0 30 2 *"')) == expected


def test_a_discovered_index_may_have_a_table(keyed: Place) -> None:
    keyed.environment(CONNECTOR_INDEXES="*")
    settings = keyed.load(config=toml(keyed, '[[indexes]]\nid = "a"\ndelete_mode = "keep"'))
    assert settings.connector_indexes == ("*",)
    assert settings.of_index("a").delete_mode == "keep"


def test_a_table_for_an_index_that_is_not_synced_deserves_a_word(keyed: Place) -> None:
    """The environment may narrow the file's list on purpose."""
    keyed.environment(CONNECTOR_INDEXES="a")
    settings, warnings = keyed.load_with_warnings(config=toml(keyed, '[[indexes]]\nid = "b"'))
    assert settings.connector_indexes == ("a",)
    assert warnings == ["indexes: b has its own table but is not in CONNECTOR_INDEXES"]


def test_two_tables_for_one_index_are_a_mistake(keyed: Place) -> None:
    path = toml(keyed, '[[indexes]]\nid = "a"\n[[indexes]]\nid = "a"')
    assert keyed.mistakes(config=path) == ["indexes: a has more than one table"]


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("colection = 1", "table 1 of indexes: unknown setting colection; did you mean collection?"),
        ("max_deletes = 1", "table 1 of indexes: unknown setting max_deletes"),
        ('collection = "c"', "table 1 of indexes: collection: 'c' must contain {model}"),
        ('delete_mode = "never"', "table 1 of indexes: delete_mode: 'never' is not allowed: use sync or keep"),
        ('poll_interval = "often"', "table 1 of indexes: poll_interval: 'often' is not a duration"),
        ('poll_interval = "0.01s"', "table 1 of indexes: poll_interval: '0.01s' is out of range: use 0.1s to 365d"),
        ("reconcile_interval = 99999999999", "table 1 of indexes: reconcile_interval: 99999999999 is out of range"),
        (
            "reconcile_interval = true",
            "table 1 of indexes: reconcile_interval: true is a boolean: use a duration",
        ),
        ("transcript = 7", "table 1 of indexes: transcript: 7 is a whole number: use true or false"),
        ("cron = 5", "table 1 of indexes: cron: 5 is a whole number: use a string in quotes"),
        ("collection = {}", "table 1 of indexes: collection: {} is a table: use a string in quotes"),
        ("embedding_options = [true]", "table 1 of indexes: embedding_options: true is a boolean"),
        ('metadata_indexes = "a:b"', "table 1 of indexes: metadata_indexes: 'a:b' is not a valid key:type"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_place(keyed: Place, line: str, mistake: str) -> None:
    (found,) = keyed.mistakes(config=toml(keyed, f'[[indexes]]\nid = "a"\n{line}'))
    assert found.startswith(mistake)


@pytest.mark.parametrize("content", ['[[indexes]]\ndelete_mode = "keep"', "[[indexes]]\nid = 5", "indexes = [5]"])
def test_a_table_without_an_id_is_a_mistake(keyed: Place, content: str) -> None:
    expected = "indexes: every [[indexes]] table needs an id that is a string"
    assert expected in keyed.mistakes(config=toml(keyed, content))
