"""Errors as JSON values, so that the holder of an index learns what went wrong at another replica."""

from dataclasses import dataclass

from connector.domain.errors import (
    AssetError,
    ConfigError,
    ConnectorError,
    CycleError,
    InternalError,
    RateLimited,
    Side,
    TransientError,
    Unavailable,
)

_KINDS: dict[str, type[ConnectorError]] = {
    "asset": AssetError,
    "config": ConfigError,
    "internal": InternalError,
    "cycle": CycleError,
}


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """`kind` decides what the error ends: a request, an asset, or the pass. `code` is what reports show."""

    kind: str
    code: str
    operation: str
    subject: str
    cause: str
    advice: str = ""
    side: Side | None = None
    retry_after: float | None = None

    def error(self) -> ConnectorError:
        """Of the kind that the engine tells apart, with its code."""
        parts = (self.operation, self.subject, self.cause, self.advice)
        if self.kind == "limited":
            error: ConnectorError = RateLimited(*parts, side=self.side or "source", retry_after=self.retry_after)
        elif self.kind == "transient":
            error = Unavailable(*parts, side=self.side or "source")
        else:
            error = _KINDS.get(self.kind, CycleError)(*parts)
        error.code = self.code
        return error


def facts_of(error: ConnectorError) -> ErrorFacts:
    parts = (error.code, error.operation, error.subject, error.cause, error.advice)
    if isinstance(error, RateLimited):
        return ErrorFacts("limited", *parts, side=error.side, retry_after=error.retry_after)
    if isinstance(error, TransientError):
        return ErrorFacts("transient", *parts, side=error.side)
    return ErrorFacts(next((kind for kind, base in _KINDS.items() if isinstance(error, base)), "cycle"), *parts)
