"""Recovers the readable parts of a body with undecodable values: one bad value must not hide the others.

JSON decoders stop at the first lone surrogate, invalid UTF-8 byte, NaN or too deep nesting. These functions split
complete JSON by brackets and quotes only, so that each part can be decoded separately.
"""

import re

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a surrogate pair, which is a character
    r"|\\(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\."
    r"|(?P<byte>[\udc80-\udcff])",
    re.DOTALL,
)


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
