"""LlamaIndex: a Marengo embedding for texts, and a retriever with the fused search. Needs the extra `llamaindex`."""

from typing import Any, Unpack

from connector.search.frameworks.missing_extra import needs_extra
from connector.search.frameworks.moment_retrieval import (
    AnySearch,
    MomentRetrieval,
    embedded,
    embedded_async,
    metadata_of,
    text_of,
)
from connector.search.moment_request import SearchOptions
from connector.search.results import Moment
from connector.search.video_search import VideoSearch

with needs_extra("llamaindex", "llama_index.core"):
    from llama_index.core import VectorStoreIndex
    from llama_index.core.base.base_retriever import BaseRetriever
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.bridge.pydantic import PrivateAttr
    from llama_index.core.callbacks import CallbackManager
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode


_NOT_FOR_MODELS = ("transcript", "embedding_model", "embedding_options", "score", "scores")
"""Metadata that LlamaIndex does not put into prompts: the words are in the text already."""


class MarengoEmbedding(BaseEmbedding):
    """Vectors of texts, to search the collection of `model_name`. One request for each text."""

    _search: AnySearch = PrivateAttr()

    def __init__(self, search: AnySearch | None = None, *, model_name: str = "marengo3.0", **settings: Any) -> None:
        """Without `search`, the connector's settings are read. An AsyncVideoSearch serves the async methods only.

        `settings` are those of BaseEmbedding.
        """
        super().__init__(model_name=model_name, **settings)
        self._search = search or VideoSearch.from_settings()

    @classmethod
    def class_name(cls) -> str:
        return cls.__name__

    def _get_query_embedding(self, query: str) -> list[float]:
        return embedded(self._search, query, self.model_name)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await embedded_async(self._search, query, self.model_name)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_query_embedding(text)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await self._aget_query_embedding(text)


class VideoNodeRetriever(BaseRetriever):
    """Moments as nodes, best first: the text is never empty, the metadata has the video and the time range."""

    def __init__(
        self,
        search: AnySearch | None = None,
        *,
        callback_manager: CallbackManager | None = None,
        verbose: bool = False,
        **options: Unpack[SearchOptions],
    ) -> None:
        """The options are those of `VideoSearch.query`. Raises ConfigError for a mistake in them.

        Without `search`, the connector's settings are read. An AsyncVideoSearch serves `aretrieve` only.
        """
        super().__init__(callback_manager=callback_manager, verbose=verbose)
        self._retrieval = MomentRetrieval(search or VideoSearch.from_settings(), options)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(moment) for moment in self._retrieval.find(query_bundle.query_str)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(moment) for moment in await self._retrieval.find_async(query_bundle.query_str)]


def video_index(
    collection: str,
    option: str,
    search: AnySearch | None = None,
    *,
    model_name: str = "marengo3.0",
    **store: Any,
) -> VectorStoreIndex:
    """LlamaIndex' own vector store on one embedding option of a collection, which needs the payload profile.

    Needs the package `llama-index-vector-stores-qdrant` besides the extra. `model_name` and `search` are those of
    `MarengoEmbedding`, `store` further arguments of `QdrantVectorStore`, such as `client`. Read only: nodes that are
    added become points.
    """
    from llama_index.vector_stores.qdrant import QdrantVectorStore  # noqa: PLC0415  a package of its own

    vectors = QdrantVectorStore(collection, dense_vector_name=option, text_key="page_content", **store)
    return VectorStoreIndex.from_vector_store(vectors, MarengoEmbedding(search, model_name=model_name))


def _node(moment: Moment) -> NodeWithScore:
    node = TextNode(
        id_=moment.point_id,
        text=text_of(moment),
        metadata=metadata_of(moment),
        excluded_llm_metadata_keys=list(_NOT_FOR_MODELS),
    )
    return NodeWithScore(node=node, score=moment.score)
