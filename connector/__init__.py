"""Keeps the segment embeddings of TwelveLabs indexes current in Qdrant."""

__version__ = "0.1.0"
