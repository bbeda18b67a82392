"""How a command ends: exit code and error message."""

import errno
import sys
from collections.abc import Callable, Sequence

from connector.cli.output import Exit, err, print_json, text
from connector.cli.streams import Streams
from connector.domain.errors import ConnectorError, CycleError, InternalError, TransientError
from connector.domain.masking import masked


def exit_code(command: Callable[[], object], arguments: Sequence[str]) -> int:
    """Run the command; with --json, print exactly one document on stdout even if the command fails."""
    streams = Streams()
    as_json = "--json" in _options(arguments)
    try:
        code = _code(command, as_json=as_json)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    if as_json and code == Exit.CONFIGURATION and streams.silent:
        _print_error("usage_error", "invalid command line; see the message on stderr")
    failure = streams.flush()
    if failure and failure.errno != errno.EPIPE:
        err.print(f"[red]error:[/red] cannot write to standard output: {text(failure.strerror)}")
    streams.flush()
    return code or (Exit.INCOMPLETE if failure else Exit.DONE)


def _code(command: Callable[[], object], *, as_json: bool) -> int:
    try:
        command()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except ConnectorError as error:
        return _explain(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001  last resort of the process
        cause = _single(error)
        if isinstance(cause, ConnectorError):
            return _explain(cause, as_json=as_json)
        return _report(cause, as_json=as_json)
    return Exit.DONE


def _single(error: Exception) -> Exception:
    """Unwrap the exception groups that a task group adds."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _explain(error: ConnectorError, *, as_json: bool) -> Exit:
    if as_json:
        _print_error(error.code, str(error))
    first, *more = str(error).split("\n")
    err.print(f"[red]error:[/red] {text(first)}", *(text(line) for line in more), sep="\n")
    return Exit.UNAVAILABLE if isinstance(error, CycleError | TransientError | InternalError) else Exit.CONFIGURATION


def _report(error: Exception, *, as_json: bool) -> Exit:
    """Report a bug in the connector. The traceback goes to the log; on a terminal only at log level debug."""
    import structlog  # noqa: PLC0415  slow

    from connector.telemetry import logs  # noqa: PLC0415  slow

    logs.set_up_once()
    log = structlog.get_logger(__name__)
    what = masked(f"{type(error).__name__}: {error}").split("\n", maxsplit=1)[0]
    quiet = sys.stderr.isatty() and not as_json
    (log.debug if quiet else log.error)("command.crashed", exc_info=error)
    if as_json:
        _print_error("internal_error", f"bug in the connector: {what}")
        return Exit.UNAVAILABLE
    where = "shown with CONNECTOR_LOG_LEVEL=debug" if quiet else "above"
    err.print(
        f"[red]error:[/red] bug in the connector: {text(what)}. Please report it to the maintainers, with the "
        f"command and the log record {where}."
    )
    return Exit.UNAVAILABLE


def _print_error(code: str, message: str) -> None:
    print_json({"error": {"code": code, "message": message}})


def _options(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments before `--`."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments
