"""The body of POST /embed-v2/tasks: which media to embed, in which clips, options and scopes."""

import base64
import binascii
import math
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from connector.simulator.api.api_errors import invalid, not_provided
from connector.simulator.api.embed_api import dimension_of, v2_model
from connector.simulator.api.embedding_tasks import not_simulated, time_range
from connector.simulator.api.forms import titled
from connector.simulator.api.json_io import refuse_unknown_keys, required
from connector.simulator.world.embedding_task import (
    FUSED,
    EmbeddingOrder,
    Media,
    MediaSource,
    fixed_edges,
    scene_edges,
)
from connector.simulator.world.models import MODELS, EmbeddingModel
from connector.simulator.world.population import written_content
from connector.simulator.world.world import World

_MEDIA = ("audio", "video", "document", "image")
_PARAMETERS = frozenset({"input_type", "model_name", "embedding_uncertainty", "embedding_dimension", *_MEDIA})
_INPUT_KEYS = frozenset(
    {"media_source", "start_sec", "end_sec", "segmentation", "embedding_option", "embedding_scope", "embedding_type"}
)
_SOURCES = ("url", "base64_string", "asset_id")
_SEGMENT_BOUNDS = {"fixed": ("duration_sec", 2, 10), "dynamic": ("min_duration_sec", 2, 5)}


def embedding_order(body: dict[str, Any], world: World, content_key: str) -> EmbeddingOrder:
    """Raises ApiError 400 or 404."""
    refuse_unknown_keys(body, _PARAMETERS)
    model = v2_model(body)
    kind = required(body, "input_type", str)
    if kind not in _MEDIA:
        raise invalid("input_type", f"It must be one of {', '.join(_MEDIA)}.")
    if kind in {"document", "image"} and model is not MODELS["marengo3.5"]:
        raise invalid("input_type", f"{model.name} accepts audio and video only.")
    if kind == "document":
        raise not_simulated("input_type", "documents")
    if body.get("embedding_uncertainty") not in {None, False}:
        raise not_simulated("embedding_uncertainty", "uncertainty")
    given: dict[str, Any] = required(body, kind, dict)
    refuse_unknown_keys(given, _INPUT_KEYS)
    source = _source(required(given, "media_source", dict), world, content_key)
    scopes = _choices(given, "embedding_scope", _scopes(kind, model), _scopes(kind, model)[:2])
    start, end = time_range(
        ("start_sec", "end_sec"), _seconds(given, "start_sec"), _seconds(given, "end_sec"), source.content.duration
    )
    edges, length = _clips(given, kind, model, world.scenario.seed, source, start, end)
    return EmbeddingOrder(
        model=model,
        media=cast("Media", kind),
        source=source,
        options=_options(given, kind, model),
        scopes=scopes,
        span=(start, end),
        edges=edges,
        clip_length=length,
        dimension=dimension_of(body, model),
    )


def _source(given: dict[str, Any], world: World, content_key: str) -> MediaSource:
    refuse_unknown_keys(given, _SOURCES)
    named = [name for name in _SOURCES if given.get(name) is not None]
    if len(named) != 1:
        raise not_provided("media_source") if not named else invalid("media_source", "Give exactly one source.")
    value: str = required(given, named[0], str)
    if named[0] == "asset_id":
        upload = world.asset(value)
        return MediaSource(upload.content, {"input_filename": upload.content.filename})
    name = _url_name(value) if named[0] == "url" else _decoded_name(value)
    content = written_content(content_key, titled(name), world.scenario.seed)
    return MediaSource(content, {"input_url": value} if named[0] == "url" else {})


def _url_name(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise invalid("media_source.url", f"It must be a URL: {error}.") from error
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise invalid("media_source.url", "It must be a public http or https URL.")
    return PurePosixPath(unquote(parts.path)).name


def _decoded_name(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("media_source.base64_string", "It is not valid base64.") from error
    return "upload"


def _scopes(kind: str, model: EmbeddingModel) -> tuple[str, ...]:
    """The possible ones; the first two are the default."""
    if kind == "image":
        return ("asset",)
    return ("clip", "asset", "local") if model is MODELS["marengo3.5"] else ("clip", "asset")


def _options(given: Mapping[str, Any], kind: str, model: EmbeddingModel) -> tuple[str, ...]:
    hidden = {"audio": {"visual"}, "image": {"audio"}}.get(kind, set())
    possible = tuple(option for option in model.options if option not in hidden)
    chosen = _choices(given, "embedding_option", possible, possible)
    structures = ("separate_embedding",) if kind == "image" else ("separate_embedding", "fused_embedding")
    structure = _choices(given, "embedding_type", structures, structures[:1])
    if "fused_embedding" not in structure:
        return chosen
    if model is MODELS["marengo3.5"]:
        raise invalid("embedding_type", "fused_embedding requires the time_based_metadata field.")
    if len(chosen) < 2:
        raise invalid("embedding_type", "It requires at least two values of embedding_option.")
    return (*chosen, FUSED) if "separate_embedding" in structure else (FUSED,)


def _clips(
    given: Mapping[str, Any], kind: str, model: EmbeddingModel, seed: int, source: MediaSource, start: float, end: float
) -> tuple[tuple[float, ...], float | None]:
    """The boundaries, and the length of the clips if it is fixed."""
    if kind == "image":
        return (start, end), None
    strategy, seconds = _segmentation(given.get("segmentation"), kind, model)
    if strategy == "fixed":
        return fixed_edges(start, end, seconds), seconds
    return scene_edges(seed, source.content, start, end, seconds), None


def _segmentation(given: Any, kind: str, model: EmbeddingModel) -> tuple[str, int]:
    new = model is MODELS["marengo3.5"]
    if given is None:
        return ("dynamic", 2) if new else ("dynamic", 4) if kind == "video" else ("fixed", 6)
    wrapped = isinstance(given, dict) and set(given) == {"temporal"}
    if wrapped is not new:
        raise invalid("segmentation", f"Its structure does not match {model.name}.")
    inner = given["temporal"] if wrapped else given
    strategies = ("fixed",) if kind == "audio" and not new else ("fixed", "dynamic")
    strategy = inner.get("strategy") if isinstance(inner, dict) else None
    if not isinstance(strategy, str) or strategy not in strategies:
        raise invalid("segmentation.strategy", f"It must be one of {', '.join(strategies)}.")
    name, low, high = _SEGMENT_BOUNDS[strategy]
    settings = inner.get(strategy)
    seconds = settings.get(name) if isinstance(settings, dict) else None
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not low <= seconds <= high:
        raise invalid(f"segmentation.{strategy}.{name}", f"It must be a whole number from {low} to {high}.")
    return strategy, seconds


def _choices(
    given: Mapping[str, Any], name: str, possible: tuple[str, ...], default: tuple[str, ...]
) -> tuple[str, ...]:
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, list) or not value or not all(isinstance(it, str) and it in possible for it in value):
        raise invalid(name, f"It must be an array of {', '.join(possible)}.")
    return tuple(dict.fromkeys(value))


def _seconds(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise invalid(name, "It must be a number.")
    return float(value)
