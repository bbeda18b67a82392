"""A transport that talks to a scripted server, with a clock that only `sleep` advances."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from connector.twelvelabs.calls import Call
from connector.twelvelabs.rate_limiter import Limiter
from connector.twelvelabs.retries import RequestLimits
from connector.twelvelabs.transport import ApiTransport
from tests.fakes.clock import FakeTime
from tests.fakes.scripted_http import ScriptedServer, answer, scripted

KEY = "tlk_very_secret"
INDEX = {"_id": "ix1", "index_name": "news", "models": []}
CALL = Call("look up index", "ix1", "indexes/ix1", index_id="ix1")
GOOD = answer(200, INDEX)


@asynccontextmanager
async def talking(
    answers: Iterable[bytes | None], time: FakeTime, limits: RequestLimits | None = None
) -> AsyncIterator[tuple[ApiTransport, ScriptedServer]]:
    async with scripted(answers) as server:
        transport = ApiTransport(server.base_url, KEY, Limiter(clock=time.clock), limits=limits, clock=time.clock)
        try:
            yield transport, server
        finally:
            await transport.close()
