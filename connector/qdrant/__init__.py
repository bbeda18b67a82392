"""Adapter for Qdrant: the `Sink` port on a server (gRPC or REST), or on the client's embedded storage.

Imports the domain; only `connector.app` uses it.
"""

from connector.qdrant.client_import import import_client

import_client()  # before a module of this package imports it in the usual way
