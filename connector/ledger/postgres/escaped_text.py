"""Text that PostgreSQL cannot store: NUL and lone surrogates. It is stored escaped, and read as it was.

The escape character is U+E000, which is for private use. After it, `0` is NUL, `1` the escape character itself, and
four hexadecimal digits are a surrogate. Text that is part of another one is part of it as stored, too.
"""

import re

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper, Loader

MARK = "\ue000"
NUL, _ITSELF = f"{MARK}0", f"{MARK}1"
_UNSTORABLE = re.compile(f"[\x00\ud800-\udfff{MARK}]")
_ESCAPED = re.compile(f"{MARK}(0|1|d[89a-f][0-9a-f]{{2}})")


def escaped(text: str) -> str:
    """Lossless: `unescaped` gives the text back."""
    return _UNSTORABLE.sub(_escape, text)


def unescaped(text: str) -> str:
    return _ESCAPED.sub(_character, text) if MARK in text else text


def register(context: AdaptContext) -> None:
    """Escape all text that is sent over a connection, and unescape what is received."""
    context.adapters.register_dumper(str, _TextDumper)
    context.adapters.register_loader("text", _TextLoader)


class _TextDumper(Dumper):
    def dump(self, obj: str) -> bytes:
        if obj.isascii() and "\0" not in obj:
            return obj.encode()
        return escaped(obj).encode()


class _TextLoader(Loader):
    def load(self, data: Buffer) -> str:
        return unescaped(bytes(data).decode())


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return {"\0": NUL, MARK: _ITSELF}.get(character) or f"{MARK}{ord(character):04x}"


def _character(found: re.Match[str]) -> str:
    code = found[1]
    return {"0": "\0", "1": MARK}.get(code) or chr(int(code, 16))
