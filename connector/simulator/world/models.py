"""The simulated embedding models: spelling, dimension, options, and the captions that each option perceives."""

from dataclasses import dataclass
from typing import Literal

Caption = Literal["visual", "audio", "speech"]


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingModel:
    """`name` is the spelling in index.models[], `vector_name` the one in embedding.model_name (they differ for 2.7).

    `options` maps an embedding option to (the index model option that it needs, the captions that it is made of).
    """

    name: str
    vector_name: str
    dimension: int
    options: dict[str, tuple[str, tuple[Caption, ...]]]

    def enabled(self, model_options: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(option for option, (needs, _) in self.options.items() if needs in model_options)


MODELS = {
    model.name: model
    for model in (
        EmbeddingModel(
            "marengo3.0",
            "marengo3.0",
            512,
            {
                "visual": ("visual", ("visual",)),
                "audio": ("audio", ("audio",)),
                "transcription": ("audio", ("speech",)),
            },
        ),
        EmbeddingModel(
            "marengo2.7",
            "Marengo-retrieval-2.7",
            1024,
            {"visual-text": ("visual", ("visual",)), "audio": ("audio", ("audio", "speech"))},
        ),
        EmbeddingModel(
            "marengo3.5",
            "marengo3.5",
            512,
            {"visual": ("visual", ("visual",)), "audio": ("audio", ("audio", "speech"))},
        ),
        EmbeddingModel("pegasus1.2", "pegasus1.2", 0, {}),
    )
}

INDEX_MODELS = ("marengo3.0", "marengo2.7", "pegasus1.2")
SPELLINGS = {spelling: model for model in MODELS.values() for spelling in (model.name, model.vector_name)}
