"""The Sink on Qdrant: a server over gRPC or REST, or the client's embedded storage."""
