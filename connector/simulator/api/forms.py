"""Multipart forms: fields, metadata as JSON text, and the file name of an uploaded video."""

import math
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.datastructures import FormData, UploadFile

from connector.simulator.api.api_errors import invalid, not_provided
from connector.simulator.api.json_io import checked_metadata, decoded
from connector.simulator.world.scenario import AssetSpec
from connector.simulator.world.scenes import Scene

_NAMELESS = "upload.mp4"


def text_field(form: FormData, name: str) -> str:
    """Raises ApiError 400 if the field is absent or empty."""
    value = form.get(name)
    if not isinstance(value, str) or not value:
        raise not_provided(name)
    return value


def choice_field(form: FormData, name: str, values: Sequence[str]) -> str:
    """One of the values, the first one if the field is absent. Raises ApiError 400."""
    value = form.get(name, values[0])
    if not isinstance(value, str) or value not in values:
        raise invalid(name, f"It must be one of {', '.join(values)}.")
    return value


def truth_field(form: FormData, name: str) -> bool:
    """False if absent. Raises ApiError 400."""
    return choice_field(form, name, ("false", "true")) == "true"


def number_field(form: FormData, name: str, default: float) -> float:
    """A finite number. Raises ApiError 400."""
    value = form.get(name)
    if value is None:
        return default
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise invalid(name, "It must be a number.")
    return number


def metadata_field(form: FormData) -> dict[str, Any]:
    """`user_metadata` of a form is JSON text. Raises ApiError 400."""
    text = form.get("user_metadata")
    if text is None:
        return {}
    try:
        value = decoded(text) if isinstance(text, str) else None
    except ValueError as error:
        raise invalid("user_metadata", f"It must be a JSON object: {error}.") from error
    if not isinstance(value, dict):
        raise invalid("user_metadata", "It must be a JSON object.")
    return checked_metadata(value)


def media_name(form: FormData, url_field: str, file_field: str) -> str:
    """The file name of an uploaded file or of a URL. Raises ApiError 400 if the form has neither."""
    file = form.get(file_field)
    if isinstance(file, UploadFile):
        return file.filename or _NAMELESS
    try:
        path = urlsplit(text_field(form, url_field)).path
    except ValueError as error:
        raise invalid(url_field, f"It must be a URL: {error}.") from error
    return PurePosixPath(unquote(path)).name or _NAMELESS


def title_of(filename: str) -> str:
    """What a file shows: goal-celebration.mp4 shows "goal celebration"."""
    stem = PurePosixPath(filename).stem.replace("-", " ").replace("_", " ")
    return " ".join(stem.split()) or "untitled"


def titled(filename: str) -> AssetSpec:
    """Take the content of an uploaded video from its file name: "goal celebration" finds goal-celebration.mp4."""
    title = title_of(filename)
    scenes = (Scene(visual=title, audio=title, speech=title), Scene(visual=f"{title}, close up"))
    return AssetSpec(filename=filename, scenes=scenes)
