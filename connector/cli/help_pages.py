"""Help pages in plain text: usage, arguments and options without Python types, and examples."""

from collections.abc import Iterable, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

HELP_OPTIONS = {"help_option_names": ["--help", "-h"]}
EXAMPLE_INDEX, EXAMPLE_ASSET = "66aa00000000000000000001", "66ab00000000000000000001"


class _CommandPage(TyperCommand):
    examples: Sequence[str] = ()

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return _plain_names(super().collect_usage_pieces(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self.get_params(ctx), formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        del ctx
        _write_examples(self.examples, formatter)


class _GroupPage(TyperGroup):
    examples: Sequence[str] = ()

    def format_options(self, ctx: Any, formatter: Any) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        _write_table("Commands", [(name, _summary(command)) for name, command in commands if command], formatter)
        _write_parameters(self.get_params(ctx), formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


def page(*lines: str) -> type[TyperCommand]:
    """The `cls` of a command. `lines` are its examples, each a complete command line."""

    class Page(_CommandPage):
        examples = lines

    return Page


def group_page(*lines: str) -> type[TyperGroup]:
    """The `cls` of a group of commands, with examples like `page`."""

    class Page(_GroupPage):
        examples = lines

    return Page


def _plain_names(pieces: Iterable[str]) -> list[str]:
    """Typer writes a required argument as {NAME}."""
    return [piece.strip("{}") for piece in pieces]


def _summary(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _write_parameters(parameters: Iterable[Any], formatter: Any) -> None:
    shown = [param for param in parameters if not getattr(param, "hidden", False)]
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        rows = [(_name(param), _meaning(param)) for param in shown if param.param_type_name == kind]
        _write_table(title, rows, formatter)


def _name(param: Any) -> str:
    if param.param_type_name == "argument":
        return str(param.metavar or param.name.upper())
    names = ", ".join(sorted(param.opts, key=len))
    return names if param.is_flag else f"{names} {param.metavar or param.name.upper()}"


def _meaning(param: Any) -> str:
    """The help text, and the default unless it is off or nothing."""
    given = param.default
    default = f" [default: {given}]" if isinstance(given, str | int) and not isinstance(given, bool) else ""
    required = " [required]" if param.required and param.param_type_name == "option" else ""
    return " ".join(str(param.help or "").split()) + default + required


def _write_table(title: str, rows: Sequence[tuple[str, str]], formatter: Any) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def _write_examples(lines: Sequence[str], formatter: Any) -> None:
    """Write them without wrapping, so that they can be copied."""
    if lines:
        with formatter.section("Examples"):
            for line in lines:
                formatter.write(f"{' ' * formatter.current_indent}{line}\n")
