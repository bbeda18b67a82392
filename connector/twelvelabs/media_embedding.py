"""Image or audio -> vector of a model, in the space of the segments."""

from typing import Any

import msgspec

from connector.domain.arrays import Float32
from connector.domain.errors import ConfigError
from connector.domain.query_media import QueryMedia
from connector.twelvelabs.calls import Call, Read
from connector.twelvelabs.text_embedding import MULTI_INPUT, V1_NAMES, read_v1, read_v2

_AS_ONE: dict[str, dict[str, Any]] = {
    "image": {},
    "audio": {"embedding_option": ["audio"], "embedding_scope": ["asset"]},  # one vector for the whole file
}


def media_query(model: str, media: QueryMedia) -> tuple[Call, Read[Float32]]:
    """The call for a canonical model name, and the function that reads its response.

    Raises ConfigError if the model does not take such an input.
    """
    operation = f"embed {media.kind} with"
    if model in V1_NAMES:
        if not media.url:
            cause = f"its endpoint takes an {media.kind} by URL only"
            raise ConfigError(operation, model, cause, "Pass a URL that TwelveLabs can read")
        form = {"model_name": V1_NAMES[model], f"{media.kind}_url": media.url}
        return Call(operation, model, "embed", method="POST", form=form, input=media.kind), read_v1
    if model in MULTI_INPUT:
        raise ConfigError(operation, model, "this model takes texts only here", "Search with a text")
    source = {"url": media.url} if media.url else {"base64_string": media.base64}
    content = {"media_source": source, **_AS_ONE[media.kind]}
    body = msgspec.json.encode({"input_type": media.kind, "model_name": model, media.kind: content})
    return Call(operation, model, "embed-v2", method="POST", json=body, input=media.kind), read_v2
