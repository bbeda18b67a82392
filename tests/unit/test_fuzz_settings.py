"""Whatever the settings are, in any source: settings, or one error that names them and shows no secret."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain import masking
from connector.settings.connector_settings import SECRETS, Settings
from connector.settings.per_index import IndexOverride
from tests.any_json import ANY_JSON
from tests.unit.settings_place import REQUIRED, Place

NAMES = [name.upper() for name in Settings.model_fields if name != "overrides"]
OTHERS = ["CONNECTOR_CONFIG", *(f"{name.upper()}_FILE" for name in SECRETS), "HTTPS_PROXY", "no_proxy", "CONNECTOR_X"]
BYTES = st.binary(max_size=20).map(lambda it: it.replace(b"\0", b"").decode(errors="surrogateescape"))
LONG = st.sampled_from(
    ["9" * 5000, "x" * 5000, "/" * 5000, "1e999", "-1", "nan", "0", "5m", "*", "*,*", "{model}", "{"]
)
CRONS = st.lists(st.sampled_from(["*", "0", "7", "*/5", "*/0", "1-", "sun", "feb", "31", "99" * 40, "L"]), max_size=6)
URLS = st.sampled_from(
    ["http://[", "http://a:99999", "http://a:x", "https://a/v1.3", "//", "http://\u0661", "http://a%zz"]
)
TEXT = BYTES | LONG | URLS | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@contextmanager
def place() -> Iterator[Place]:
    """Only the required settings, and no secret of an earlier example."""
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "_hidden", {})
        found = Place.empty(Path(directory), patch, dict(os.environ))
        found.environment(**REQUIRED)
        yield found


def named(line: str, *names: str) -> bool:
    return any(name in line for name in names)


@given(st.dictionaries(st.sampled_from([*NAMES, *OTHERS]), TEXT, min_size=1, max_size=3))
def test_any_environment_is_settings_or_mistakes_with_names(variables: dict[str, str]) -> None:
    with place() as found:
        found.environment(**variables)
        lines = found.mistakes()

    known = (*variables, *REQUIRED, "settings file", "HTTPS_PROXY", "NO_PROXY")
    assert [line for line in lines if not named(line, *known)] == []


@given(st.sampled_from(NAMES), TEXT)
def test_any_value_of_one_setting_is_named(name: str, value: str) -> None:
    with place() as found:
        found.environment(**{name: value})
        lines = found.mistakes()

    assert [line for line in lines if not line.startswith(f"{name}: ") and not line.startswith(f"{name} is ")] == []


SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=30).map("s3cr3t".__add__)


@given(SECRET, st.sampled_from(SECRETS), st.sampled_from(NAMES), st.sampled_from(["\n", "ü", "", " ", "@", "://"]))
def test_a_secret_is_shown_by_no_mistake(secret: str, name: str, other: str, wrong: str) -> None:
    """A good one or a bad one, and the same text at the place of another setting."""
    with place() as found:
        found.environment(**{name.upper(): f"{secret}{wrong}{secret}"})
        found.environment(**{other: f"{secret}{wrong}{secret}", "CONNECTOR_CONCURRENCY": "many"})
        lines = found.mistakes()

    assert lines
    assert secret not in "\n".join(lines)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.sampled_from([".env", "c.toml", "key"]))
def test_any_content_of_a_file_is_settings_or_mistakes(content: bytes, name: str) -> None:
    with place() as found:
        (found.directory / name).write_bytes(content)
        if name == "key":
            found.patch.delenv("TWELVELABS_API_KEY")
            found.environment(TWELVELABS_API_KEY_FILE=name)
        lines = found.mistakes(config=Path("c.toml") if name == "c.toml" else None)

    assert name != "key" or all(
        line.startswith(("TWELVELABS_API_KEY: ", "TWELVELABS_API_KEY_FILE: ")) for line in lines
    )


@pytest.mark.parametrize(
    "content",
    [
        f"max_deletes = {'9' * 5000}",
        "indexes = " + "[" * 5000,
        "indexes = " + "[" * 5000 + "]" * 5000,
        "a = " + "{a = " * 2000 + "1" + "}" * 2000,
        "a." * 5000 + "a = 1",
        "poll_interval = 1979-99-99",
        "poll_interval = 9999-12-31T23:59:59-23:59",
        "a\0 = 1",
    ],
    ids=["digits", "open brackets", "deep list", "deep tables", "deep keys", "no date", "a late date", "NUL"],
)
def test_toml_that_its_parser_cannot_take_is_a_mistake(content: str) -> None:
    with place() as found:
        lines = found.mistakes(config=found.write("c.toml", content))

    assert lines


@pytest.mark.parametrize("name", ["CONNECTOR_CONFIG", *(f"{name.upper()}_FILE" for name in SECRETS)])
def test_a_file_name_with_a_nul_is_a_mistake(name: str) -> None:
    """Only `.env` can contain it."""
    with place() as found:
        found.write(".env", f'{name}="a\0b"')
        lines = found.mistakes()

    assert len(lines) == 1
    assert named(lines[0], name.removesuffix("_FILE"), "settings file")


KEYS = st.sampled_from([*Settings.model_fields, *(name.removeprefix("connector_") for name in Settings.model_fields)])
KEYS |= st.sampled_from(["indexes", "cron", "x", ""])
TABLE_KEYS = st.sampled_from([*IndexOverride.model_fields, "x"])
DATES = st.dates() | st.datetimes() | st.times()
VALUES = ANY_JSON.map(lambda it: json.loads(json.dumps(it), parse_int=int)) | TEXT | DATES
TABLES = st.dictionaries(TABLE_KEYS, VALUES | st.builds(" ".join, CRONS), max_size=4)
CONTENT = st.fixed_dictionaries({}, optional={"indexes": st.lists(TABLES | VALUES, max_size=3)})


def toml(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, str):
        return json.dumps(re.sub("[\x7f\ud800-\udfff]", "?", value), ensure_ascii=False)
    return '""' if value is None else str(value).lower()


@given(st.dictionaries(KEYS, VALUES, max_size=3), CONTENT)
def test_any_toml_is_settings_or_mistakes_with_names(values: dict[str, Any], tables: dict[str, Any]) -> None:
    written = {**values, **tables}
    with place() as found:
        if "indexes" in written:
            found.patch.delenv("CONNECTOR_INDEXES")
        content = "\n".join(f"{toml(key)} = {toml(value)}" for key, value in written.items())
        lines = found.mistakes(config=found.write("c.toml", content))

    assert "not valid TOML" not in str(lines)
    keys = [key.upper() for key in written if key]
    known = (*keys, "indexes: ", "of indexes: ", "Unknown setting", *REQUIRED)
    assert [line for line in lines if not named(line, *known)] == []
