"""Adapter for Qdrant: the `Sink` port on a server (gRPC or REST), or on the client's embedded storage.

Imports the domain; only `connector.app` uses it.
"""
