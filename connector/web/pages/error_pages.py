"""Pages for what cannot be shown: an unknown address or index, a bad query, a ledger that cannot be read."""

from starlette.responses import Response

from connector.domain.errors import ConnectorError
from connector.web.pages.rendering import page

_ELSEWHERE = "Go back to the overview: it links to everything that there is."


def not_found(what: str, now: float) -> Response:
    """`what` completes the sentence: there is no … here."""
    return page("error.html", now, 404, title="Not found", message=f"There is no {what} here.", advice=_ELSEWHERE)


def bad_request(message: str, now: float) -> Response:
    """`message` names the part of the address that is invalid, and says what would be valid."""
    return page("error.html", now, 400, title="Invalid address", message=message, advice=_ELSEWHERE)


def unavailable(error: ConnectorError, now: float) -> Response:
    """The page cannot be made now."""
    values = {"message": f"{error.operation} {error.subject}: {error.cause}.", "advice": error.advice}
    return page("error.html", now, 503, title="The status cannot be read", **values)


def internal_error(now: float) -> Response:
    """A bug. Syncing does not depend on the pages."""
    message = "This page could not be made because of a bug in the connector. Syncing goes on."
    advice = "Reload the page. If it fails again, report it with the traceback from the log."
    return page("error.html", now, 500, title="Internal error", message=message, advice=advice)
