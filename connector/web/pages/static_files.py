"""`/static/{digest}/{name}`: style sheets and scripts of the pages, read from the package once.

The digest of the content is part of the address, so that browsers may keep a file for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.domain.fingerprint import digest

_PATH = "/static/{digest}/{name}"
_TYPES = MappingProxyType(
    {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    }
)
_KEPT, _CHECKED = "public, max-age=31536000, immutable", "no-cache"
_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class StaticFile:
    name: str
    content: bytes
    media_type: str
    digest: str

    @property
    def url(self) -> str:
        return f"/static/{self.digest}/{self.name}"

    @property
    def etag(self) -> str:
        return f'"{self.digest}"'


@cache
def static_files() -> Mapping[str, StaticFile]:
    """File name -> file, of `static` and `static/vendor`. Other types of files are not served."""
    root = files("connector.web.pages") / "static"
    found = [*root.iterdir(), *(root / "vendor").iterdir()]
    return {
        it.name: StaticFile(it.name, content, _TYPES[suffix], digest(content)[:_DIGEST_LENGTH])
        for it in found
        if (suffix := it.name.rpartition(".")[2]) in _TYPES and (content := it.read_bytes()) is not None
    }


def static_url(name: str) -> str:
    """Address of a file. Raises KeyError for a file that is not there."""
    return static_files()[name].url


async def _serve(request: Request) -> Response:
    file = static_files().get(request.path_params["name"])
    if file is None:
        return Response(status_code=404)
    # A page of an earlier release may name an earlier digest: it gets the current file, and must ask again next time.
    cached = _KEPT if request.path_params["digest"] == file.digest else _CHECKED
    headers = {"ETag": file.etag, "Cache-Control": cached}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)


STATIC_ROUTE = Route(_PATH, _serve)
