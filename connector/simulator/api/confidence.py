"""Score and level of confidence of a match: marengo2.7 has them, later models have a rank instead."""

from dataclasses import dataclass
from typing import Literal, cast

from starlette.datastructures import FormData

from connector.simulator.api.api_errors import invalid
from connector.simulator.api.forms import choice_field, number_field

Level = Literal["high", "medium", "low", "none"]
_LEVELS: tuple[Level, ...] = ("none", "low", "medium", "high")
_USUAL_STRICTNESS = 0.5
_HIGH, _MEDIUM = 0.6, 0.4


@dataclass(frozen=True, slots=True)
class Confidence:
    """`threshold` is the lowest level to return; `strictness`, 0 to 1, moves the bounds of the levels."""

    threshold: Level
    strictness: float

    @staticmethod
    def of(form: FormData) -> "Confidence":
        """Raises ApiError 400."""
        strictness = number_field(form, "adjust_confidence_level", _USUAL_STRICTNESS)
        if not 0 <= strictness <= 1:
            raise invalid("adjust_confidence_level", "It must be a number from 0 to 1.")
        return Confidence(cast("Level", choice_field(form, "threshold", _LEVELS)), strictness)

    def level(self, similarity: float) -> Level:
        shift = (self.strictness - _USUAL_STRICTNESS) / 2
        if similarity >= _HIGH + shift:
            return "high"
        return "medium" if similarity >= _MEDIUM + shift else "low"

    def admits(self, similarity: float) -> bool:
        return _LEVELS.index(self.level(similarity)) >= _LEVELS.index(self.threshold)
