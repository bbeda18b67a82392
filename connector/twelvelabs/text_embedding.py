"""Text -> vector of a model: selects the endpoint for the model, decodes the response."""

import msgspec
import numpy as np
from msgspec import Struct, field

from connector.domain.arrays import Float32
from connector.domain.errors import ConfigError
from connector.domain.marengo import KNOWN
from connector.twelvelabs.calls import Call, Read
from connector.twelvelabs.json_decoding import Body, decode


class TextVector(Struct):
    embedding: list[float] | None = None


class EmbedV2Body(Struct):
    data: list[TextVector] | None = None


class TextSegment(Struct):
    vector: list[float] | None = field(name="float", default=None)


class TextEmbedding(Struct):
    segments: list[TextSegment] | None = None
    error_message: str | None = None


class EmbedV1Body(Struct):
    text_embedding: TextEmbedding | None = None
    image_embedding: TextEmbedding | None = None
    audio_embedding: TextEmbedding | None = None


_V1 = msgspec.json.Decoder(EmbedV1Body)
_V2 = msgspec.json.Decoder(EmbedV2Body)

# Vendor's documentation: 2.7 needs the older endpoint and another spelling, 3.5 needs multi_input.
V1_NAMES = {"marengo2.7": "Marengo-retrieval-2.7"}
MULTI_INPUT = {"marengo3.5"}


def text_query(model: str, text: str) -> tuple[Call, Read[Float32]]:
    """The call for a canonical model name, and the function that reads its response."""
    if model in V1_NAMES:
        form = {"model_name": V1_NAMES[model], "text": text}
        return Call("embed text with", model, "embed", method="POST", form=form), read_v1
    key = "multi_input" if model in MULTI_INPUT else "text"
    body = msgspec.json.encode({"input_type": key, "model_name": model, key: {"input_text": text}})
    return Call("embed text with", model, "embed-v2", method="POST", json=body), read_v2


def text_rejected(call: Call, says: str) -> ConfigError:
    return ConfigError(call.operation, call.subject, says, f"Search with another {call.input} or another model")


def read_v1(body: Body, call: Call) -> Float32:
    found = decode(body, _V1, call)
    block = found.text_embedding or found.image_embedding or found.audio_embedding
    if block and block.error_message:
        raise text_rejected(call, f"TwelveLabs says: {block.error_message}")
    return _vector(block.segments[0].vector if block and block.segments else None, call)


def read_v2(body: Body, call: Call) -> Float32:
    found = decode(body, _V2, call).data
    return _vector(found[0].embedding if found else None, call)


def _vector(values: list[float] | None, call: Call) -> Float32:
    if not values:
        raise call.malformed("the response has no embedding")
    known = KNOWN.get(call.subject)
    if known and len(values) != known.dimension:
        raise call.malformed(f"the embedding has {len(values)} numbers, but the model has {known.dimension}")
    with np.errstate(over="ignore"):
        vector = np.array(values, np.float64).astype(np.float32)
    if not np.isfinite(vector).all():
        raise call.malformed("the embedding has a number that is not a finite float32")
    return vector
