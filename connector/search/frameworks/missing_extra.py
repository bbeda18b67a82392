"""The error for an adapter whose framework is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from connector.domain.errors import ConfigError


class ExtraMissing(ConfigError, ImportError):
    """An ImportError too, so that programs which try an import can catch it as usual."""


@contextmanager
def needs_extra(extra: str, package: str) -> Iterator[None]:
    """Imports `package`, which the extra installs. Raises ExtraMissing if it is not there.

    If the package is there and something within it is not, its own error is raised.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}.".startswith(f"{error.name}."):
            raise
        advice = f"Run `pip install 'twelvelabs-qdrant-connector[{extra}]'`"
        raise ExtraMissing("import", package, "it is not installed", advice) from error
