"""Parsers of single settings: lists, templates, URLs, secrets.

Every parser raises ValueError with a message for users.
"""

import ipaddress
import re
import string
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from connector.domain.postgres_url import postgres_url
from connector.domain.server_url import server_url
from connector.domain.sink_model import METADATA_TYPES

SQLITE = "sqlite"
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_OPTION = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_HOST = re.compile(r"(?!.*\.\.)[A-Za-z0-9_]([A-Za-z0-9._-]{0,252}[A-Za-z0-9_.])?")
_COLLECTION = re.compile(r"[A-Za-z0-9._-]{1,200}")


def words(value: Any) -> tuple[str, ...]:
    """Parse a comma-separated string; accept a list as it is. Drop duplicates and empty items."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"{value!r} is not a list: use names separated by commas")
    return tuple(dict.fromkeys(item.strip() for item in items if item.strip()))


def index_ids(value: Any) -> tuple[str, ...]:
    ids = words(value)
    if not ids:
        raise ValueError("it names no index: use index ids, or * for all indexes of the account")
    wrong = [index_id for index_id in ids if index_id != "*" and not _ID.fullmatch(index_id)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not a valid index id: copy the 24 characters from the index's URL")
    if "*" in ids and len(ids) > 1:
        raise ValueError("* means every index: omit the ids, or the *")
    return ids


def options(value: Any) -> tuple[str, ...]:
    """Option names of any model: which ones an index has is known only later."""
    names = words(value)
    wrong = [name for name in names if not _OPTION.fullmatch(name)]
    if wrong:
        advice = "use visual, audio, transcription, separated by commas"
        raise ValueError(f"{wrong[0]!r} is not an embedding option: {advice}")
    return names


def metadata_indexes(value: Any) -> dict[str, str]:
    """`category:keyword,batch:integer` -> {"category": "keyword", "batch": "integer"}."""
    if isinstance(value, dict):
        value = [f"{key}:{kind}" for key, kind in value.items()]
    found = {}
    for item in words(value):
        key, _, kind = item.rpartition(":")
        if not key or '"' in key or kind not in METADATA_TYPES:
            raise ValueError(f"{item!r} is not a valid key:type: use one of the types {', '.join(METADATA_TYPES)}")
        found[key] = kind
    return found


def collection(value: Any) -> str:
    template = str(value)
    try:
        fields = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
    except ValueError as error:
        raise ValueError(f"{template!r} is not a valid template: {error}") from None
    if "model" not in fields:
        raise ValueError(f"{template!r} must contain {{model}}: vectors of different models are not comparable")
    if fields - {"model", "index_id"}:
        raise ValueError(f"{template!r} has an unknown placeholder: use only {{model}} and {{index_id}}")
    if not _COLLECTION.fullmatch(template.format(model="m", index_id="i")):
        raise ValueError(
            f"{template!r} has invalid characters: use only letters, digits, dots, hyphens and underscores"
        )
    return template


def secret(value: Any) -> str:
    """Strip white space. The ValueError never shows the value."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        raise ValueError("it is not text (value not shown): use a string")  # noqa: TRY004  pydantic expects a ValueError
    text = text.strip()
    if not text:
        raise ValueError("it contains only white space: set it, or leave it empty")
    if not text.isascii() or not text.isprintable():
        raise ValueError(
            "it has characters that a key cannot have (value not shown): copy it again, without line breaks"
        )
    return text


def ledger_url(value: Any) -> str:
    """`sqlite`, or the URL of a PostgreSQL database. The ValueError never shows the value, which has a password."""
    text = str(value.get_secret_value() if isinstance(value, SecretStr) else value).strip()
    return SQLITE if text == SQLITE else postgres_url(text)


def cron(value: Any) -> str:
    from connector.settings.cron import cron_trigger  # noqa: PLC0415  slow, and rarely needed

    cron_trigger(str(value))
    return str(value)


def api_url(value: Any) -> str:
    url = server_url(str(value))
    if not urlsplit(url).path:
        raise ValueError("it has no API version: add /v1.3 at its end, as in https://api.twelvelabs.io/v1.3")
    return url


def host(value: Any) -> str:
    text = str(value).strip()
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not _HOST.fullmatch(text):
            advice = "use an address like 127.0.0.1, 0.0.0.0 or ::1, or a host name, without scheme and port"
            raise ValueError(f"{text!r} is not a valid host: {advice}") from None
    return text


def directory(value: Any) -> Path:
    path = Path(str(value))
    try:
        usable = path.is_dir() or not path.exists()
    except (OSError, ValueError) as error:
        raise ValueError(f"{str(value)!r} cannot be used ({error}): use a directory, for example ./data") from None
    if not usable:
        raise ValueError(f"{str(value)!r} is a file: use a directory, for example ./data")
    return path


def qdrant_url(value: Any) -> str:
    return "embedded" if str(value).strip() == "embedded" else server_url(str(value))


Options = Annotated[tuple[str, ...], NoDecode, BeforeValidator(options)]
IndexIds = Annotated[tuple[str, ...], NoDecode, BeforeValidator(index_ids)]
MetadataIndexes = Annotated[dict[str, str], NoDecode, BeforeValidator(metadata_indexes)]
CollectionTemplate = Annotated[str, BeforeValidator(collection)]
Secret = Annotated[SecretStr, BeforeValidator(secret)]
LedgerUrl = Annotated[SecretStr, BeforeValidator(ledger_url)]
ApiUrl = Annotated[str, BeforeValidator(api_url)]
QdrantUrl = Annotated[str, BeforeValidator(qdrant_url)]
Host = Annotated[str, BeforeValidator(host)]
Directory = Annotated[Path, BeforeValidator(directory)]
CronExpression = Annotated[str, BeforeValidator(cron)]
