"""Adapter for TwelveLabs: the `Source` port over the HTTP API v1.3.

Imports the domain; only `connector.app` uses it.
"""

from connector.twelvelabs.source import TwelveLabsSource
from connector.twelvelabs.transport import ApiTransport

__all__ = ["ApiTransport", "TwelveLabsSource"]
