"""One call of FakeSink."""

import asyncio
from dataclasses import dataclass

from connector.domain.errors import ConnectorError


@dataclass(slots=True)
class Call:
    """Let other tasks run, then fail before or after the call's effect, as planned."""

    failure: tuple[ConnectorError, bool] | None

    async def __aenter__(self) -> None:
        await asyncio.sleep(0)
        if self.failure and not self.failure[1]:
            raise self.failure[0]

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.failure and kind is None:
            raise self.failure[0]


def refuse_empty(*ids: str | None) -> None:
    if "" in ids:
        raise ValueError("an id is empty: it would not select what is meant")
