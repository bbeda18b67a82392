"""An image or an audio file to search for."""

from dataclasses import dataclass
from typing import Literal

MediaKind = Literal["image", "audio"]


@dataclass(frozen=True, slots=True, repr=False)
class QueryMedia:
    """`url` that TwelveLabs can read, or the content itself as `base64`."""

    kind: MediaKind
    url: str | None = None
    base64: str | None = None
