"""Bytes -> struct, telling a body that did not arrive (try again) from one with the wrong content (do not)."""

import json
from typing import TypeVar

import msgspec

from connector.twelvelabs.calls import Call
from connector.twelvelabs.salvage import readable

T = TypeVar("T")
Body = bytes | bytearray

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(body: Body, decoder: msgspec.json.Decoder[T], call: Call) -> T:
    """Raises Unavailable for a cut body or one that is no JSON, `call.wrong` for complete JSON of another shape."""
    try:
        return decoder.decode(body)
    except RecursionError:
        raise call.malformed("the answer is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if _is_complete(body):
            cause = str(error) if readable(body) == body else "text that is not valid Unicode"
            raise call.malformed(f"the answer has the wrong content: {cause}") from None
        raise call.unavailable(f"the answer was cut off or is not JSON ({error})") from None


def _is_complete(body: Body) -> bool:
    """Also for a type error that was found before the cut, and for the NaN and Infinity that some servers write."""
    try:
        json.loads(body.decode(errors="replace"), parse_int=str)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True
