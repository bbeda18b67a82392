"""Sources of settings besides environment variables: `.env`, secret files, the TOML file."""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from connector.domain.masking import hide, secrets_of_url
from connector.domain.postgres_url import SCHEMES, postgres_secrets
from connector.settings.names import PREFIX, PROXY, did_you_mean, shown_name
from connector.settings.setting_types import SQLITE

UNREADABLE = ""
"""The content of a secret whose file cannot be used; a problem says why."""

_LEDGER = "connector_ledger_url"  # is shown, without its password
_ADDRESSES = ("twelvelabs_base_url", "qdrant_url")


def hide_secrets(sources: Iterable[Mapping[str, Any]], secrets: Collection[str]) -> None:
    """Register secrets for masking as soon as they are read, so that no later message shows one."""
    for source in sources:
        given = {name: value for name, value in source.items() if isinstance(value, str)}
        hide(value for name, value in given.items() if name in secrets and name != _LEDGER)
        hide(_ledger_secrets(given.get(_LEDGER, "")))
        for name, value in given.items():
            if name in _ADDRESSES or PROXY.fullmatch(name):
                hide(secrets_of_url(value))


def _ledger_secrets(value: str) -> set[str]:
    """The passwords in a URL; all of it, if it is something else: it may be a key in the wrong place."""
    is_place = value.strip() == SQLITE or value.strip().startswith(tuple(f"{scheme}://" for scheme in SCHEMES))
    return postgres_secrets(value) if is_place else {value}


def secret_files(variables: Mapping[str, str | None], secrets: Iterable[str], problems: list[str]) -> dict[str, str]:
    """Read the files that `<NAME>_FILE` variables name; return field name -> content."""
    found: dict[str, str] = {}
    for name in secrets:
        path = variables.get(f"{name}_file")
        if not path:
            continue
        if variables.get(name):
            problems.append(f"{name.upper()} and {name.upper()}_FILE are both set: remove one")
        found |= read_secret(name, Path(path), f"{name.upper()}_FILE", problems)
    return found


def mounted_secrets(directory: Path, secrets: Iterable[str], problems: list[str]) -> dict[str, str]:
    """Read mounted secrets, files with the names of fields; return field name -> content."""
    found: dict[str, str] = {}
    for name in secrets:
        if (directory / name).exists():
            found |= read_secret(name, directory / name, name.upper(), problems)
    return found


def read_secret(name: str, path: Path, called: str, problems: list[str]) -> dict[str, str]:
    """Read one file; return field name -> content, or UNREADABLE. Messages name the setting as `called`."""
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        if path.name == str(path):
            # A bare word is probably the secret itself, not a file name.
            hide([path.name])
        cure = "it must exist, and the user that runs the connector must be able to read it"
        problems.append(f"{called}: cannot read {shown_name(str(path))} ({_cause(error)}): {cure}")
        return {name: UNREADABLE}
    if not value:
        problems.append(f"{called}: {shown_name(str(path))} is empty: write the secret into it, or remove the setting")
        return {name: UNREADABLE}
    return {name: value}


def _cause(error: OSError | ValueError) -> str | None:
    if isinstance(error, OSError):
        return error.strerror
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else "no file has such a name"


def dotenv_file(path: Path, unread: list[str]) -> dict[str, str | None]:
    """The variables of a `.env` file, with names in lower case; empty if the file does not exist."""
    try:
        return {name.lower(): value for name, value in dotenv_values(path).items()}
    except (OSError, UnicodeDecodeError) as error:
        unread.append(f"cannot read {shown_name(str(path))}: {error}")
        return {}


def toml_file(path: Path, unread: list[str]) -> dict[str, Any]:
    """The content of the settings file; empty after a problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        unread.append(f"cannot read the settings file {shown_name(str(path))}: {error}")
        return {}
    try:
        return tomllib.loads(text)
    except RecursionError:
        unread.append(f"the settings file {shown_name(str(path))} is nested too deeply")
    except ValueError as error:  # also for numbers with thousands of digits
        unread.append(f"the settings file {shown_name(str(path))} is not valid TOML: {error}")
    return {}


def toml_values(path: Path, content: Mapping[str, Any], fields: Collection[str], problems: list[str]) -> dict[str, Any]:
    """The file's values by field name. A key is a variable name in lower case, with or without `connector_`."""
    values = {}
    for key, value in content.items():
        name = next((name for name in (key.lower(), PREFIX + key.lower()) if name in fields), None)
        if name and value != "":
            values[name] = value
        elif not name:
            short = [field.removeprefix(PREFIX) for field in fields]
            hint = did_you_mean(key.lower().removeprefix(PREFIX), short)
            problems.append(f"Unknown setting {shown_name(key)} in {shown_name(str(path))}{hint}")
    return values


def split_indexes(values: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """Split the file's `indexes`, a list of ids, tables or both, into ids and overrides."""
    indexes = values.get("connector_indexes")
    if not isinstance(indexes, list):
        return values
    tables = [entry for entry in indexes if isinstance(entry, dict)]
    ids = [entry.get("id") if isinstance(entry, dict) else entry for entry in indexes]
    if any(not isinstance(index_id, str) for index_id in ids):
        problems.append("indexes: every [[indexes]] table needs an id that is a string")
        ids = [index_id for index_id in ids if isinstance(index_id, str)]
    named = [table.get("id") for table in tables]
    problems += [
        f"indexes: {index_id} has more than one table" for index_id in dict.fromkeys(ids) if named.count(index_id) > 1
    ]
    return {**values, "connector_indexes": ids, "overrides": tables}
