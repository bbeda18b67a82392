"""The systems that a process works with. All replicas of one ledger must work with the same."""

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

SETTINGS: Mapping[str, str] = {"source": "TWELVELABS_BASE_URL", "sink": "QDRANT_URL"}


@dataclass(frozen=True, slots=True)
class Difference:
    """`own` and `other` are the values of this process and of another one, without secrets."""

    setting: str
    own: str
    other: str


@dataclass(frozen=True, slots=True)
class Endpoints:
    """`source` and `sink` are addresses without secrets; `key_digest` tells API keys apart."""

    source: str
    sink: str
    key_digest: str = field(repr=False)

    @classmethod
    def of(cls, source_url: str, api_key: str, sink_url: str, *, storage: str | None, host: str) -> Self:
        """`storage` is the directory of embedded Qdrant, None for a server. `host` is the name of this machine."""
        sink = _on_host(storage, host) if storage else _seen_from(sink_url, host)
        key_digest = hashlib.sha256(f"{source_url}\n{api_key}".encode()).hexdigest()[:32]
        return cls(_seen_from(source_url, host), sink, key_digest)

    @property
    def shown(self) -> dict[str, str]:
        """What others may know of it, as JSON values."""
        return {"source": self.source, "sink": self.sink}

    def difference(self, shown: Mapping[str, object]) -> Difference | None:
        """The first address of another process that is not ours. A release that does not tell its own has none."""
        for name, setting in SETTINGS.items():
            own, other = self.shown[name], shown.get(name, "")
            if isinstance(other, str) and other and other != own:
                return Difference(setting, own, other)
        return None


def _seen_from(url: str, host: str) -> str:
    """The same loopback address is another server on another machine."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    address = parts._replace(netloc=parts.netloc.lower()).geturl()
    return _on_host(address, host) if _is_loopback(name) else address


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _on_host(place: str, host: str) -> str:
    return f"{place} on {host}"
