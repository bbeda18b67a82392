"""/embed-v2 (JSON) and /embed (multipart): text queries in the space of the segments."""

from typing import Any

import numpy as np
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api.api_errors import invalid, not_provided
from connector.simulator.api.forms import text_field
from connector.simulator.api.json_io import answer, json_object, refuse_unknown_keys, required
from connector.simulator.world.models import MODELS, SPELLINGS, EmbeddingModel
from connector.simulator.world.vectors import Vectors, shortest_decimals, text_vector

_V2_MODELS = ("marengo3.0", "marengo3.5")
_V1_MODELS = ("marengo3.0", "marengo2.7")
_TOKEN_LIMITS = {"marengo3.0": 500, "marengo2.7": 77, "marengo3.5": 2000}
_V2_INPUTS = ("text", "image", "text_image", "audio", "video", "multi_input")
_MEDIA = ("image_url", "image_file", "audio_url", "audio_file")
_V2_PARAMETERS = frozenset(
    {"input_type", "model_name", "auto_truncate", "embedding_uncertainty", "embedding_dimension", *_V2_INPUTS}
)


class EmbedApi:
    def routes(self) -> list[Route]:
        return [
            Route("/embed-v2", self.embed_v2, methods=["POST"]),
            Route("/embed", self.embed, methods=["POST"]),
        ]

    async def embed_v2(self, request: Request) -> Response:
        body = await json_object(request)
        refuse_unknown_keys(body, _V2_PARAMETERS)
        model = v2_model(body)
        text = _text_of(body, model)
        vector, usage = text_vector(model, text), _usage(model, text, body.get("auto_truncate") is True)
        dimension = dimension_of(body, model)
        data = {
            "embedding": shortest_decimals(vector[np.newaxis, :dimension])[0],
            "embedding_option": None,
            "embedding_scope": None,
            "start_sec": None,
            "end_sec": None,
        }
        return answer({"data": [data], **usage})

    async def embed(self, request: Request) -> Response:
        async with request.form() as form:
            model = v1_model(form)
            given = [name for name in ("text", *_MEDIA) if name in form]
            if not given:
                raise not_provided("text")
            result: dict[str, Any] = {"model_name": model.vector_name}
            for name in given:
                block = name.split("_")[0]
                result[f"{block}_embedding"] = _block(form, name, model)
        return answer(result)


def _block(form: FormData, name: str, model: EmbeddingModel) -> dict[str, Any]:
    """The simulator cannot read media: as in the real service, the request succeeds and the block has an error."""
    if name != "text":
        return {"error_message": f"{name}: the simulator embeds text only"}
    text = text_field(form, "text")
    check_tokens(model, text)
    return {"segments": [{"float": _vector(text_vector(model, text))}]}


def _vector(vector: Vectors) -> list[float]:
    return shortest_decimals(vector[np.newaxis, :])[0]


def v1_model(form: FormData) -> EmbeddingModel:
    """Raises ApiError 400."""
    return _model(text_field(form, "model_name"), _V1_MODELS)


def v2_model(body: dict[str, Any]) -> EmbeddingModel:
    """Raises ApiError 400."""
    return _model(required(body, "model_name", str), _V2_MODELS)


def _model(name: str, accepted: tuple[str, ...]) -> EmbeddingModel:
    model = SPELLINGS.get(name)
    if model is None or model.name not in accepted:
        raise invalid("model_name", f"It must be one of {', '.join(accepted)}.")
    return model


def _text_of(body: dict[str, Any], model: EmbeddingModel) -> str:
    kind = required(body, "input_type", str)
    if kind not in _V2_INPUTS:
        raise invalid("input_type", f"It must be one of {', '.join(_V2_INPUTS)}.")
    if model is MODELS["marengo3.5"] and kind != "multi_input":
        raise invalid("input_type", "marengo3.5 accepts multi_input only.")
    if kind not in {"text", "multi_input"}:
        raise invalid("input_type", f"The simulator embeds text only, not {kind}.")
    given = required(body, kind, dict)
    if given.get("media_sources"):
        raise invalid(f"{kind}.media_sources", "The simulator embeds text only.")
    text: str = required(given, "input_text", str)
    return text


def _usage(model: EmbeddingModel, text: str, truncates: bool) -> dict[str, Any]:
    if model is not MODELS["marengo3.5"]:
        check_tokens(model, text)
        return {}
    limit, tokens = _TOKEN_LIMITS[model.name], len(text.split())
    if tokens > limit and not truncates:
        check_tokens(model, text)
    usage: dict[str, Any] = {"input_tokens": {"text": min(tokens, limit)}, "truncated": tokens > limit}
    return {"usage": {**usage, "truncation_reason": "text_token_limit"} if tokens > limit else usage}


def check_tokens(model: EmbeddingModel, text: str, parameter: str = "text") -> None:
    """Raises ApiError 400."""
    limit = _TOKEN_LIMITS[model.name]
    if len(text.split()) > limit:
        raise invalid(parameter, f"{model.name} takes at most {limit} tokens.")


def dimension_of(body: dict[str, Any], model: EmbeddingModel) -> int:
    """`embedding_dimension`, or the model's. Raises ApiError 400."""
    value = body.get("embedding_dimension")
    if value is None:
        return model.dimension
    if model is not MODELS["marengo3.5"]:
        raise invalid("embedding_dimension", f"{model.name} has one dimension, {model.dimension}.")
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= model.dimension:
        raise invalid("embedding_dimension", f"It must be a whole number from 1 to {model.dimension}.")
    return value
