"""The signature of a TwelveLabs webhook. Pure.

`TL-Signature: t=<unix seconds>,v1=<hex>` where v1 is the HMAC-SHA256 of `<t>.<raw body>`.
Source: vendor's documentation.
"""

import hashlib
import hmac

TOLERANCE_SEC = 300


def signature(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_genuine(header: str, body: bytes, secret: str, now: float) -> bool:
    """True if the secret signed the body within five minutes of `now`. Compares in constant time."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    timestamp, given = parts.get("t", ""), parts.get("v1", "")
    if not (timestamp.isascii() and timestamp.isdigit() and given.isascii()) or len(timestamp) > 15:  # noqa: PLR2004  longer than any timestamp
        return False
    fresh = abs(now - int(timestamp)) <= TOLERANCE_SEC
    return hmac.compare_digest(signature(secret, timestamp, body), given) and fresh
