"""Pictures as queries. The simulator reads no pixels: the file name says what a picture shows."""

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from starlette.datastructures import FormData, UploadFile

from connector.simulator.api.api_errors import invalid, not_provided
from connector.simulator.api.forms import title_of

MOST_PICTURES = 10
_FIELDS = ("query_media_url", "query_media_file")
_PICTURE_TYPES = frozenset({"", ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})


def pictures_of(form: FormData) -> tuple[str, ...]:
    """What each picture of a search shows: red-bus.jpg shows "red bus". URLs take precedence over files.

    Raises ApiError 400.
    """
    media_type = form.get("query_media_type")
    urls, files = (_given(form, name) for name in _FIELDS)
    if media_type is None or media_type == "":
        if urls or files:
            raise not_provided("query_media_type")
        return ()
    if media_type != "image":
        raise invalid("query_media_type", "It must be image.")
    if not urls and not files:
        raise not_provided("query_media_url")
    field, given = (_FIELDS[0], urls) if urls else (_FIELDS[1], files)
    if len(given) > MOST_PICTURES:
        raise invalid(field, f"At most {MOST_PICTURES} images are possible.")
    return tuple(_title(field, one) for one in given)


def _given(form: FormData, name: str) -> list[str | UploadFile]:
    """An empty field or file counts as absent."""
    return [value for value in form.getlist(name) if (value if isinstance(value, str) else value.filename)]


def _title(field: str, given: str | UploadFile) -> str:
    name = _path(field, given) if isinstance(given, str) else given.filename or ""
    if PurePosixPath(name).suffix.lower() not in _PICTURE_TYPES:
        raise invalid(field, "It must be a JPEG or PNG image.")
    return title_of(name)


def _path(field: str, url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise invalid(field, f"It must be a URL: {error}.") from error
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise invalid(field, "It must be a public http or https URL.")
    return unquote(parts.path)
