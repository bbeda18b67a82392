"""Bytes -> struct. A truncated body can be retried, one with invalid content cannot; its readable parts are recovered.

JSON decoders stop at the first lone surrogate, invalid UTF-8 byte, NaN or too deep nesting. `elements` and `members`
split complete JSON by brackets and quotes only, so that each part can be decoded separately.
"""

import json
import re
from typing import TypeVar

import msgspec

from connector.twelvelabs.calls import Call

T = TypeVar("T")
Body = bytes | bytearray

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a surrogate pair, which is a character
    r"|\\(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\."
    r"|(?P<byte>[\udc80-\udcff])",
    re.DOTALL,
)


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


def elements(body: bytes) -> list[bytes] | None:
    """The elements of an array; None for anything else."""
    return _parts(body) if body.lstrip().startswith(b"[") else None


def members(body: bytes) -> dict[str, bytes] | None:
    """The members of an object, by undecoded key; None for anything else."""
    parts = _parts(body) if body.lstrip().startswith(b"{") else None
    if parts is None:
        return None
    found = {}
    for part in parts:
        tokens = _TOKEN.finditer(part)
        key, colon = next(tokens, None), next(tokens, None)
        if key is None or colon is None or colon[0] != b":":
            return None
        found[key[0][1:-1].decode(errors="replace")] = part[colon.end() :].strip()
    return found


def as_object(parts: dict[str, bytes]) -> bytes:
    """The inverse of `members`."""
    return b"{%b}" % b",".join(b'"%b":%b' % (key.encode(), value) for key, value in parts.items())


def readable(text: bytes | bytearray) -> bytes:
    r"""Write lone surrogates and invalid UTF-8 bytes as visible text: `\ud800` becomes these six characters.

    Replacing them by U+FFFD would make different ids equal.
    """
    return _ESCAPE.sub(_spelled, text.decode(errors="surrogateescape")).encode(errors="replace")


def _spelled(found: re.Match[str]) -> str:
    if found["lone"]:
        return rf"\\{found['lone']}"
    if found["byte"]:
        return rf"\\x{ord(found['byte']) - 0xDC00:02x}"
    return found[0]


def _parts(body: bytes) -> list[bytes] | None:
    """The parts between the commas of the outermost brackets; None if the brackets do not close at the end."""
    depth, start = 0, 0
    found: list[bytes] = []
    for token in _TOKEN.finditer(body):
        mark = token[0]
        if mark in b"[{":
            depth += 1
            start = token.end() if depth == 1 else start
        elif depth == 1 and mark in b",]}":
            found.append(body[start : token.start()].strip())
            start = token.end()
        if mark in b"]}":
            depth -= 1
            if depth == 0:
                return [part for part in found if part] if not body[token.end() :].strip() else None
    return None
