"""What a tool says when it fails: what is wrong, whose fault it is, and what to do. Pure."""

from connector.domain.errors import (
    AuthenticationFailed,
    ConfigError,
    ConnectorError,
    LedgerUnavailable,
    RateLimited,
    SinkUnavailable,
    TransientError,
)

_SIDES = {"source": "TwelveLabs", "sink": "Qdrant"}
_WITHOUT_KEY = "similar_moments, get_video, list_indexes and coverage work without it"
_NO_KEY = (
    "TWELVELABS_API_KEY is not set for this server, so text cannot be searched. A person has to set it and start the "
    f"server again. {_WITHOUT_KEY}."
)
_NOT_YOURS = "The arguments are not the cause: a person has to correct the settings of this server."


def failure_text(error: ConnectorError) -> str:
    """One paragraph for an agent."""
    if isinstance(error, ConfigError) and error.subject == "TWELVELABS_API_KEY":
        return _NO_KEY
    return " ".join([str(error).rstrip(".") + ".", *_hints(error)])


def _hints(error: ConnectorError) -> list[str]:
    if isinstance(error, RateLimited):
        wait = "a minute" if error.retry_after is None else f"{error.retry_after:.0f} seconds"
        return [f"{_SIDES[error.side]} limits the rate: try again in {wait}."]
    if isinstance(error, TransientError):
        away = f"{_SIDES[error.side]} does not respond now; the arguments are not the cause. Try again in a minute."
        return [away, *([f"{_WITHOUT_KEY}."] if error.side == "source" else [])]
    if isinstance(error, AuthenticationFailed):
        return [_NOT_YOURS, *([f"{_WITHOUT_KEY}."] if "TWELVELABS" in error.advice else [])]
    if isinstance(error, SinkUnavailable | LedgerUnavailable):
        return ["Try again in a minute."]
    return []
