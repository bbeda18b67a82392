"""The address of a PostgreSQL database that holds a ledger."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from connector.domain.errors import ConfigError
from connector.domain.postgres_url import shown_postgres_url

DEFAULT_SCHEMA = "twelvelabs_connector"
_LONGEST_PART = 26
_SEARCH_PATH = re.compile(r"(?:-c\s*|--)search_path=(\S+)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_DEFAULTS = {
    "application_name": "connector",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "client_encoding": "UTF8",
}


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """`parameters` are those of libpq, with the password. `schema` is the one that holds the ledger's tables."""

    shown: str
    schema: str
    parameters: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, url: str, part: str = "") -> "PostgresAddress":
        """Raises ConfigError for an option that libpq does not know.

        `options=-csearch_path=NAME` chooses another schema; a pooler would not pass that option on.
        """
        shown = shown_postgres_url(url)
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # Its message may show the password.
            known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
            unknown = [key for key, _ in parse_qsl(urlsplit(url).query) if key not in known]
            cause = f"unknown option {unknown[0]}" if unknown else "it is not a URL that PostgreSQL's library can read"
            advice = "Correct CONNECTOR_LEDGER_URL: postgresql://user:password@host:5432/database"
            raise ConfigError("open ledger", shown, cause, advice) from None
        options = str(given.pop("options", "") or "")
        chosen = _SEARCH_PATH.search(options)
        schema = chosen[1] if chosen else DEFAULT_SCHEMA
        if not _NAME.fullmatch(schema):
            cause = f"search_path {schema!r} is not the name of one schema"
            raise ConfigError("open ledger", shown, cause, "Use letters, digits and underscores only")
        if part:
            schema = _schema_of(schema, part)
        kept = _SEARCH_PATH.sub("", options).strip()
        return cls(shown, schema, {**_DEFAULTS, **given, **({"options": kept} if kept else {})})


def _schema_of(schema: str, part: str) -> str:
    """A schema of its own for a part, whatever characters that has. Names have at most 63."""
    readable = re.sub(r"[^a-z0-9]+", "_", part.lower())[:_LONGEST_PART]
    return f"{schema[:_LONGEST_PART]}_{readable}_{hashlib.sha256(part.encode()).hexdigest()[:8]}"
