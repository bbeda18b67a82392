"""Bytes -> struct. Distinguishes an incomplete body (retry) from one with invalid content (do not retry)."""

import json
from typing import TypeVar

import msgspec

from connector.twelvelabs.calls import Call
from connector.twelvelabs.salvage import readable

T = TypeVar("T")
Body = bytes | bytearray

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(body: Body, decoder: msgspec.json.Decoder[T], call: Call) -> T:
    """Raises Unavailable for a truncated or non-JSON body, `call.wrong` for valid JSON with invalid content."""
    try:
        return decoder.decode(body)
    except RecursionError:
        raise call.malformed("the response is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if _is_complete(body):
            cause = str(error) if readable(body) == body else "text that is not valid Unicode"
            raise call.malformed(f"the response has invalid content: {cause}") from None
        raise call.unavailable(f"the response is truncated or not JSON ({error})") from None


def _is_complete(body: Body) -> bool:
    """True for complete JSON. Detects truncation after a type error; accepts NaN and Infinity from lax servers."""
    try:
        json.loads(body.decode(errors="replace"), parse_int=str)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True
