"""Mask secrets: every message and log record passes through `masked`, including those of libraries."""

import base64
import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus, unquote

MASK = "[secret]"
SHORTEST = 8
"""Shorter secrets are not masked: they would match ordinary words."""

_USERINFO = re.compile(r"//(.*)@", re.DOTALL)
_WRITTEN: tuple[Callable[[str], str], ...] = (
    lambda text: repr(text)[1:-1],
    lambda text: ascii(text)[1:-1],
    lambda text: repr(text.encode(errors="surrogateescape"))[2:-1],
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: quote(text, safe="", errors="surrogateescape"),
    lambda text: quote(text, errors="surrogateescape"),
    lambda text: quote_plus(text, errors="surrogateescape"),
)
_hidden: dict[str, re.Pattern[str]] = {}


def hide(secrets: Iterable[str]) -> None:
    """Mask these secrets until the process ends. Surrounding white space is ignored."""
    stripped = {secret.strip() for secret in secrets}
    new = {secret for secret in stripped if len(secret) >= SHORTEST} - _hidden.keys()
    _hidden.update({secret: _pattern(secret) for secret in new})


def masked(text: str) -> str:
    """Replace every secret in the text, in all its quoted and escaped forms."""
    # Longest first: replacing a contained secret would leave the rest of the longer one visible.
    for secret in sorted(_hidden, key=len, reverse=True):
        text = _hidden[secret].sub(MASK, text)
    return text


def secrets_of_url(url: str) -> set[str]:
    """Credentials in a URL: as written, percent-decoded, and in base64 as in a Proxy-Authorization header."""
    found = _USERINFO.search(url)
    if not found:
        return set()
    written = {found[1], unquote(found[1])}
    name_and_password = {part for userinfo in written for part in (userinfo, userinfo.partition(":")[2])}
    encoded = {base64.b64encode(userinfo.encode(errors="surrogateescape")).decode() for userinfo in written}
    return (name_and_password | encoded) - {""}


def _pattern(secret: str) -> re.Pattern[str]:
    """Match up to two levels of escaping: a log record may quote a message that quotes a request."""
    forms = {secret}
    for _ in range(2):
        forms |= {write(form) for form in forms for write in _WRITTEN}
    longest_first = sorted(forms, key=len, reverse=True)
    # %2F and %2f are equivalent.
    return re.compile("|".join(re.escape(form) for form in longest_first), re.IGNORECASE)
