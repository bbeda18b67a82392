"""Response bodies of the API as msgspec structs: all fields optional, unknown fields ignored, vectors kept raw.

Source of the shapes: vendor's OpenAPI v1.3 and official SDK 1.3.6.
"""

from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct, field

T = TypeVar("T")


class PageInfo(Struct):
    total_page: float | None = None
    total_results: float | None = None


class PageBody(Struct, Generic[T]):
    data: list[T] | None = None
    page_info: PageInfo | None = None


class ModelBody(Struct):
    model_name: str | None = None
    model_options: list[str] | None = None


class IndexBody(Struct):
    id: str | None = field(name="_id", default=None)
    index_name: str | None = None
    expires_at: str | None = None
    models: list[ModelBody] | None = None


class SystemMetadata(Struct):
    filename: str | None = None
    duration: float | None = None
    fps: float | None = None
    width: float | None = None
    height: float | None = None
    size: float | None = None


class AssetBody(Struct):
    id: str | None = field(name="_id", default=None)
    status: str | None = None
    asset_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    indexed_at: str | None = None
    system_metadata: SystemMetadata | None = None


class Hls(Struct):
    video_url: str | None = None


class Segment(Struct):
    start_offset_sec: float | None = None
    end_offset_sec: float | None = None
    embedding_option: str | None = None
    embedding_scope: str | None = None
    vector: Raw = field(name="float", default_factory=Raw)


class VideoEmbedding(Struct):
    segments: list[Segment] | None = None


class Embedding(Struct):
    model_name: str | None = None
    video_embedding: VideoEmbedding | None = None


class Spoken(Struct):
    start: float | None = None
    end: float | None = None
    value: str | None = None


class DetailedBody(AssetBody):
    user_metadata: dict[str, Any] | None = None
    hls: Hls | None = None
    embedding: Embedding | None = None
    transcription: Raw = field(default_factory=Raw)


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


class TaskBody(Struct):
    index_id: str | None = None
