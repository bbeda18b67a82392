"""LangChain: `Embeddings` of Marengo for texts, and a retriever with the fused search. Needs the extra `langchain`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self, Unpack

from connector.search.frameworks.missing_extra import needs_extra
from connector.search.frameworks.moment_retrieval import (
    AnySearch,
    MomentRetrieval,
    embedded,
    embedded_async,
    metadata_of,
    text_of,
)
from connector.search.moment_request import Rerank, SearchOptions
from connector.search.results import Moment
from connector.search.video_search import VideoSearch

with needs_extra("langchain", "langchain_core"):
    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.retrievers import BaseRetriever
    from pydantic import ConfigDict, Field, PrivateAttr, model_validator


class MarengoEmbeddings(Embeddings):
    """Vectors of texts, to search the collection of `model`. One request for each text."""

    def __init__(self, search: AnySearch | None = None, *, model: str = "marengo3.0") -> None:
        """Without `search`, the connector's settings are read. An AsyncVideoSearch serves the async methods only."""
        self._search, self._model = search or VideoSearch.from_settings(), model

    def embed_query(self, text: str) -> list[float]:
        return embedded(self._search, text, self._model)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """As queries: `QdrantVectorStore` asks once for the dimension. Marengo embeds videos, not documents."""
        return [self.embed_query(text) for text in texts]

    async def aembed_query(self, text: str) -> list[float]:
        return await embedded_async(self._search, text, self._model)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.aembed_query(text)) for text in texts]
        return [task.result() for task in tasks]


class VideoRetriever(BaseRetriever):
    """Moments as documents, best first: the text is never empty, the metadata has the video and the time range.

    The fields are those of `VideoSearch.query`; they can also be given with each `invoke`. Without `search`, the
    connector's settings are read. An AsyncVideoSearch serves `ainvoke` only. Raises ValueError for an unknown field.
    """

    model_config = ConfigDict(extra="forbid")  # a misspelt `filters` would find everything

    search: Any = Field(default_factory=VideoSearch.from_settings, exclude=True, repr=False)
    limit: int = 10
    indexes: Sequence[str] | None = None
    options: Sequence[str] | None = None
    weights: Mapping[str, float] | None = None
    time_range: tuple[float, float] | None = None
    filters: Mapping[Any, Any] | None = None
    group_by_asset: bool = False
    merge_gap_sec: float | None = None
    rerank: Rerank | None = Field(default=None, exclude=True, repr=False)
    near_only: bool = False
    _retrieval: MomentRetrieval = PrivateAttr()

    @model_validator(mode="after")
    def prepare(self) -> Self:
        """Raises ConfigError for a mistake in the options."""
        options: Any = {name: getattr(self, name) for name in SearchOptions.__annotations__ if name in _FIELDS}
        self._retrieval = MomentRetrieval(self.search, options)
        return self

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **changes: Unpack[SearchOptions]
    ) -> list[Document]:
        del run_manager
        return [_document(moment) for moment in self._retrieval.find(query, **changes)]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **changes: Unpack[SearchOptions]
    ) -> list[Document]:
        del run_manager
        return [_document(moment) for moment in await self._retrieval.find_async(query, **changes)]


_FIELDS = VideoRetriever.model_fields.keys()


def _document(moment: Moment) -> Document:
    return Document(page_content=text_of(moment), metadata=metadata_of(moment), id=moment.point_id)
