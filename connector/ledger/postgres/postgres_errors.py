"""Errors of PostgreSQL as LedgerUnavailable, by type and SQLSTATE. The only place that translates them."""

from collections.abc import Mapping

import psycopg
from psycopg import errors

from connector.domain.errors import LedgerUnavailable
from connector.domain.masking import masked

_RUNS = "Check that PostgreSQL runs, and that user, password and database in CONNECTOR_LEDGER_URL are correct"
_WAIT = "It is tried again by itself; if this lasts, look into the log of PostgreSQL"
_DEFECT = "Report this as a defect of the connector, or restore the schema from a backup"

# Types of psycopg, or classes or codes of SQLSTATE -> what the operator can do. The longest code counts.
_BY_TYPE: Mapping[type[psycopg.Error], str] = {
    errors.ConnectionTimeout: _RUNS,
    psycopg.InterfaceError: _WAIT,
}
_BY_STATE: Mapping[str, str] = {
    "08": _RUNS,
    "0A": _DEFECT,
    "22": _DEFECT,
    "23": _DEFECT,
    "25": _DEFECT,
    "25006": "It is a standby, or default_transaction_read_only is on: use the address of the primary server",
    "25P03": _WAIT,
    "28": _RUNS,
    "3D": _RUNS,
    "3F": _RUNS,
    "40": _WAIT,
    "42": _DEFECT,
    "42501": "Grant the user what is missing: `connector check` says how",
    "42P01": "Create the tables with `connector ledger migrate`",
    "53": "Free memory or connections of PostgreSQL, or raise its limits",
    "53100": "Free space on the disk of PostgreSQL",
    "53300": "Raise max_connections of PostgreSQL, or close other connections",
    "54": "It is more than PostgreSQL can store: an id of thousands of characters, for example",
    "55": _WAIT,
    "55P03": "Another session holds a lock: end it, for example a forgotten transaction in psql",
    "57": _WAIT,
    "57014": "A statement took too long, or somebody cancelled it: look for locks and for a slow disk",
    "58": "PostgreSQL cannot use its files: look into its log",
    "XX": "PostgreSQL reports damaged data or a defect: look into its log, and restore a backup if it is damaged",
}
# A refused connection has no SQLSTATE. PostgreSQL and pgbouncer say this in English unless lc_messages differs.
_FULL = ("too many clients", "too many connections", "remaining connection slots", "no more connections allowed")
_LOST_STATES = {"57P01", "57P02", "57P03", "57P05", "25P03"}
_REPEATED_STATES = {"40001", "40P01"}


def translated(error: psycopg.Error, operation: str, place: str) -> LedgerUnavailable:
    """With operation, place, cause and cure; never with the password."""
    made = LedgerUnavailable(f"{operation} ledger", place, cause_of(error), _advice(error))
    made.__cause__ = error
    return made


def cause_of(error: psycopg.Error) -> str:
    """What PostgreSQL says, in one line."""
    said = (error.diag.message_primary or str(error)).strip()
    return said.partition("\n")[0].rstrip() or type(error).__name__


def reason_of(error: Exception) -> str:
    """Of any error that a library above psycopg raised, in one line."""
    if isinstance(error, psycopg.Error):
        return f"{cause_of(error)}. {_advice(error)}"
    said = masked(str(error)).partition("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def is_lost(error: psycopg.Error, connection: psycopg.AsyncConnection[object] | None) -> bool:
    """True if the connection is of no use any more, or there is none."""
    return error.sqlstate in _LOST_STATES or connection is None or connection.closed


def is_worth_repeating(error: psycopg.Error) -> bool:
    """A deadlock or a conflict of two transactions, of which PostgreSQL ends one."""
    return error.sqlstate in _REPEATED_STATES


def _advice(error: psycopg.Error) -> str:
    if error.sqlstate is None and any(text in str(error) for text in _FULL):
        return _BY_STATE["53300"]
    for kind, advice in _BY_TYPE.items():
        if isinstance(error, kind):
            return advice
    state = error.sqlstate or ""
    return _BY_STATE.get(state) or _BY_STATE.get(state[:2]) or _RUNS
