"""All errors of the connector, grouped by scope: process, request, asset or cycle.

ConnectorError
├─ ConfigError             invalid settings                      -> message, exit 2, no retry
├─ TransientError          a retry may succeed                   -> retried; then the asset is deferred
│  ├─ RateLimited          wait and retry; not a failure
│  └─ Unavailable          timeout, connection error, 408, 5xx, redirect, truncated or non-JSON body
├─ AssetError              concerns one asset                    -> Outcome failed, the cycle continues
│  ├─ MalformedAsset       valid JSON with invalid content
│  └─ PointsRejected       Qdrant rejected points of this asset
├─ InternalError           a bug in the connector                -> fails the asset, or else the cycle
└─ CycleError              the cycle cannot continue             -> the cycle fails, the process keeps running
   ├─ AuthenticationFailed
   ├─ IndexGone
   ├─ SourceUnavailable
   ├─ SinkMismatch
   ├─ SinkUnavailable
   └─ LedgerUnavailable

Each adapter translates vendor exceptions into these in one place, by type and status. The constructor masks
secrets, so a message is safe to print, log and store.
"""

from typing import Literal, Self

from connector.domain.masking import masked

Side = Literal["source", "sink"]

_LONGEST_CAUSE = 500


class ConnectorError(Exception):
    """An error message in four parts: operation, subject, cause, and advice for the operator."""

    code: str = "connector_error"

    def __init__(self, operation: str, subject: str, cause: str, advice: str = "") -> None:
        operation, subject, cause, advice = map(masked, (operation, subject, cause, advice))
        self.operation = operation
        self.subject = subject
        self.cause = cause.rstrip(".")
        self.advice = advice.rstrip(".")
        super().__init__(operation, subject, cause, advice)

    def __str__(self) -> str:
        subject = f" {self.subject}" if self.subject else ""
        advice = f". {self.advice}." if self.advice else ""
        return f"{self.operation}{subject}: {self.cause}{advice}"


class ConfigError(ConnectorError):
    code = "config_error"


class TransientError(ConnectorError):
    """`side` is the system that failed: source or sink."""

    code = "transient_error"

    def __init__(self, operation: str, subject: str, cause: str, advice: str = "", *, side: Side) -> None:
        super().__init__(operation, subject, cause, advice)
        self.side: Side = side


class RateLimited(TransientError):
    """`retry_after` is in seconds from now; None when the response did not state it."""

    code = "rate_limited"

    def __init__(
        self, operation: str, subject: str, cause: str, advice: str = "", *, side: Side, retry_after: float | None
    ) -> None:
        super().__init__(operation, subject, cause, advice, side=side)
        self.retry_after = retry_after


class Unavailable(TransientError):
    code = "unavailable"


class AssetError(ConnectorError):
    code = "asset_error"


class MalformedAsset(AssetError):
    code = "malformed_asset"


class PointsRejected(AssetError):
    code = "points_rejected"


class InternalError(ConnectorError):
    """An unexpected exception; its traceback is in the log."""

    code = "internal_error"

    @classmethod
    def of(cls, error: Exception, operation: str, subject: str) -> Self:
        """Wrap an unexpected exception. Truncate its message, which may quote a whole response."""
        cause = f"{type(error).__name__}: {error}"[:_LONGEST_CAUSE]
        return cls(operation, subject, cause, "This is a bug in the connector: report it with the traceback in the log")


class CycleError(ConnectorError):
    code = "cycle_error"


class AuthenticationFailed(CycleError):
    code = "authentication_failed"


class IndexGone(CycleError):
    code = "index_gone"


class SourceUnavailable(CycleError):
    code = "source_unavailable"


class SinkMismatch(CycleError):
    code = "sink_mismatch"


class SinkUnavailable(CycleError):
    code = "sink_unavailable"


class LedgerUnavailable(CycleError):
    code = "ledger_unavailable"
