"""`connector config`: prints the effective settings and where each comes from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from connector.cli.output import Exit, err, out, print_json, text
from connector.settings.effective import Effective, EffectiveSettings, effective_settings
from connector.settings.loading import Origin

_ORIGINS = {
    "environment": "environment variable {}",
    ".env": "file {}",
    "file": "file {}",
    "secret_file": "secret file {}",
    "command_line": "command line {}",
}


def show(config: Path | None, *, as_json: bool) -> Exit:
    """Show everything that is valid; exit 2 if something is not."""
    found = effective_settings(config)
    if as_json:
        print_json(_document(found))
    else:
        _print(found.settings)
        for index_id, rows in found.indexes.items():
            out.print(f"\nindex {text(index_id)}")
            _print(rows, indent="  ")
    for warning in found.warnings:
        err.print(f"[yellow]warning:[/yellow] {text(warning)}")
    for mistake in found.mistakes:
        err.print(f"[red]error:[/red] {text(mistake)}")
    return Exit.CONFIGURATION if found.mistakes else Exit.DONE


def _print(rows: Iterable[Effective], indent: str = "") -> None:
    lines = [(row.name, row.written, _words(row.origin)) for row in rows]
    names, values = (max((len(line[column]) for line in lines), default=0) for column in (0, 1))
    for name, value, origin in lines:
        out.print(f"{indent}{name:{names}}  {text(f'{value:{values}}')}  {text(origin)}")


def _words(origin: Origin | None) -> str:
    return _ORIGINS[origin.kind].format(origin.place) if origin else "default"


def _document(found: EffectiveSettings) -> dict[str, Any]:
    return {
        "settings": _entries(found.settings),
        "indexes": {index_id: _entries(rows) for index_id, rows in found.indexes.items()},
        "mistakes": found.mistakes,
        "warnings": found.warnings,
    }


def _entries(rows: Iterable[Effective]) -> dict[str, dict[str, Any]]:
    return {
        row.name: {
            "value": row.value,
            "source": row.origin.kind if row.origin else "default",
            "from": row.origin.place if row.origin else None,
            "valid": row.valid,
        }
        for row in rows
    }
