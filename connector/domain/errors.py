"""The errors of the connector, by how far each one reaches.

ConnectorError
├─ ConfigError             wrong settings                        -> message, exit 2, no retry
├─ TransientError          may work if repeated                  -> retried; exhausted: the asset is deferred
│  ├─ RateLimited          a wait, not a failure
│  └─ Unavailable          time-out, connection, 408, 5xx, any redirect, a cut or non-JSON body
├─ AssetError              concerns one asset                    -> Outcome failed, the cycle goes on
│  ├─ MalformedAsset       complete JSON with wrong content
│  └─ PointsRejected       Qdrant refused points of this asset
├─ InternalError           a bug of ours                         -> the asset's failure, or else the cycle's
└─ CycleError              nothing sensible can be done now      -> the cycle fails, the process lives
   ├─ AuthenticationFailed
   ├─ IndexGone
   ├─ SourceUnavailable
   ├─ SinkMismatch
   ├─ SinkUnavailable
   └─ LedgerUnavailable

Adapters translate vendor exceptions into these, by type and status, each in one place. Secrets are masked
as an error is made: whatever shows or stores its message need not think of them.
"""

from typing import ClassVar, Literal, Self

from connector.domain.masking import masked

Side = Literal["source", "sink"]

_LONGEST_CAUSE = 500


class ConnectorError(Exception):
    """What was being done, to what, why it did not work, and what the operator can do."""

    code: ClassVar[str] = "connector_error"

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
    """`side` says which of the two systems did not answer."""

    code = "transient_error"

    def __init__(self, operation: str, subject: str, cause: str, advice: str = "", *, side: Side) -> None:
        super().__init__(operation, subject, cause, advice)
        self.side: Side = side


class RateLimited(TransientError):
    """`retry_after` is in seconds from now, None when the other side did not say."""

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
        """An exception may quote all that it was given, so its message is cut off."""
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
