"""Adapter for TwelveLabs: the `Source` port over the HTTP API v1.3.

Imports the domain; only `connector.app` and `connector.search` use it.
"""
