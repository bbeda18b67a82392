"""The TwelveLabs side: a `Source` over the public HTTP API v1.3."""

from connector.twelvelabs.source import TwelveLabsSource
from connector.twelvelabs.transport import ApiTransport

__all__ = ["ApiTransport", "TwelveLabsSource"]
