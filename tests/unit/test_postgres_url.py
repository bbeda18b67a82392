"""The URL of a PostgreSQL ledger: what is accepted, what is shown, and which parts are secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.ledger_place import LedgerPlace
from connector.domain.postgres_url import postgres_secrets, postgres_url, shown_postgres_url

GOOD = [
    "postgresql://user:pass@host:5432/database",
    "postgres://host/db",
    "postgresql:///db?host=/run/postgresql",
    "postgresql://u@h1:1,h2:2/db?target_session_attrs=primary",
    "postgresql://[::1]:5432/db",
    "postgresql://?dbname=db&user=u",
    "postgresql://u:p%40ss@h/d?options=-csearch_path%3Dname",
]
BAD = [
    ("mysql://user:secret-1@h/d", "(its scheme is mysql); value not shown: use sqlite, or postgresql://"),
    ("secret-1", "neither sqlite nor the URL of a PostgreSQL database; value not shown"),
    ("secret-1://h/d", "neither sqlite nor the URL of a PostgreSQL database; value not shown"),
    ("postgresql:/h/secret-1", "neither sqlite nor"),
    ("postgresql://u:secret-1@h", "it names no database"),
    ("postgresql://u:secret-1@h/", "it names no database"),
    ("postgresql://u:secret-1@h:0/d", "its port is not a number from 1 to 65535"),
    ("postgresql://u:secret-1@h:port/d", "its port is not a number"),
    ("postgresql://u:secret-1@h1:1,h2:99999/d", "its port is not a number"),
    ("postgresql://u:secret-1 @h/d", "spaces or control characters"),
    ("postgresql://u:secret-1\n@h/d", "spaces or control characters"),
    ("postgresql://u:secret-1%@h/d", "write %25"),
    ("postgresql://u:secret-1%00@h/d", "write %25"),
    ("postgresql://u:p@h/d#secret-1", "%23"),
    ("postgresql://u:secret-1@[::1/d", "it is not a valid URL"),
]


@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_is_kept(url: str) -> None:
    assert postgres_url(f" {url}\n") == url


@pytest.mark.parametrize(("url", "why"), BAD)
def test_a_bad_one_says_what_to_do_and_never_shows_it(url: str, why: str) -> None:
    with pytest.raises(ValueError, match="value not shown") as found:
        postgres_url(url)

    assert why in str(found.value)
    assert "secret" not in str(found.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://user:pass@host:5432/database", "postgresql://user:***@host:5432/database"),
        ("postgresql://user@host/database", "postgresql://user@host/database"),
        ("postgresql://host/db?password=p%26w&sslmode=require", "postgresql://host/db?password=***&sslmode=require"),
        ("postgresql://u:a:b@c@h/d?sslpassword=x", "postgresql://u:***@h/d?sslpassword=***"),
        ("postgresql://h/d?sslkey=secret&unknown=secret", "postgresql://h/d?sslkey=***&unknown=***"),
        ("postgresql://@/d?host=/run/pg", "postgresql://@/d?host=/run/pg"),
    ],
)
def test_it_is_shown_without_its_password(url: str, shown: str) -> None:
    assert shown_postgres_url(url) == shown


def test_its_secrets_are_the_passwords_as_written_and_decoded() -> None:
    assert postgres_secrets("postgresql://user:p%40ss@h/d?password=other%20one&user=x") == {
        "p%40ss",
        "p@ss",
        "other one",
    }
    assert postgres_secrets("postgresql://user@h/d") == set()
    assert postgres_secrets("postgresql://u:p@[::1/d") == set()


@given(st.text(min_size=1))
def test_any_text_is_a_url_or_a_mistake(text: str) -> None:
    try:
        postgres_url(f"postgresql://{text}")
    except ValueError:
        return
    shown_postgres_url(f"postgresql://{text}")


def test_a_place_shows_no_password(tmp_path: object) -> None:
    place = LedgerPlace(tmp_path, "postgresql://u:secret@h/d")  # type: ignore[arg-type]

    assert str(place) == "postgresql://u:***@h/d"
    assert "secret" not in repr(place)
