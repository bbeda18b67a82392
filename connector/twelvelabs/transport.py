"""The only module that imports httpx: sends requests, retries them, translates errors."""

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlencode

import httpx

from connector import __version__
from connector.domain.errors import ConfigError, LedgerUnavailable, RateLimited, Unavailable
from connector.domain.events import RequestRetried, TurnWaited
from connector.domain.masking import hide
from connector.domain.network_variables import names_certificates, network_mistake, verification
from connector.domain.priority import Priority
from connector.domain.server_url import server_url
from connector.ports import Observer
from connector.twelvelabs import rate_headers
from connector.twelvelabs.body_budget import BodyBudget, HeldBody
from connector.twelvelabs.calls import Call, Read
from connector.twelvelabs.error_responses import RetryableError, error_from_response, rate_limited
from connector.twelvelabs.rate_limiter import Limiter
from connector.twelvelabs.request_events import Response, telling
from connector.twelvelabs.response_body import SMALL, ResponseBody, TooLargeError, joined
from connector.twelvelabs.retries import Clocks, RequestLimits, RetryBudget

T = TypeVar("T")
ReadBody = Callable[[ResponseBody, Call], T]
"""Reads the body of a successful response, which it decompresses itself."""

TRANSLATION: dict[type[Exception], type[Unavailable | ConfigError]] = {
    httpx.HTTPError: Unavailable,
    httpx.StreamError: Unavailable,
    httpx.CookieConflict: Unavailable,
    httpx.InvalidURL: ConfigError,
    httpx.UnsupportedProtocol: ConfigError,
}
"""The nearest base class counts. A test fails if a new httpx exception has no base class here."""

_ERROR_BODY = 64 * 1024
# One by one: each takes some memory of its own, and many busy threads slow the event loop down.
_LARGE = 8 * 1024 * 1024
_RESPONSE_SEC = 3.0
_SET_UP = ("set up", "HTTP client")
_URL_ADVICE = "Set TWELVELABS_BASE_URL to something like https://api.twelvelabs.io/v1.3"
_ENVIRONMENT_ADVICE = "Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: ResponseBody


class ApiTransport:
    """Sends calls with the key, rate limited, and counts them. For one event loop.

    `server_time` is the Date of the last response, in seconds since the epoch; None if it had none.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        limiter: Limiter | None = None,
        *,
        connections: int = 10,
        limits: RequestLimits | None = None,
        clock: Clocks | None = None,
        observe: Observer = lambda _: None,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`environment` (see `network_variables`) is for messages, and says whether certificates are needed.

        Raises ConfigError for an invalid base URL, key, proxy or certificate file.
        """
        self._limits = limits or RequestLimits()
        self._clock = clock or Clocks()
        self._limiter = limiter or Limiter(clock=self._clock)
        hide([api_key])
        try:
            self._client = _client(base_url, _checked_key(api_key), self._limits, connections, environment)
        except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
            # Without a known variable do not quote the cause: a proxy URL may contain a password.
            unknown = ConfigError(*_SET_UP, type(error).__name__, _ENVIRONMENT_ADVICE)
            raise network_mistake(*_SET_UP, error, environment) or unknown from None
        self._observe = observe
        self.in_memory = BodyBudget(self._limits.bodies)
        self._large = asyncio.Semaphore(1)
        self._sent: Counter[str | None] = Counter()
        self.server_time: float | None = None

    def sent(self, index_id: str | None = None) -> int:
        """Number of requests so far, including retries."""
        return self._sent.total() if index_id is None else self._sent[index_id]

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, call: Call, read: Read[T]) -> T:
        """Send the call, with retries. Return `read(body, call)`, where `body` is the whole body of the 2xx response.

        Raises RateLimited, Unavailable, AuthenticationFailed, Refused for any other 4xx of the API itself, and what
        `read` raises.
        """
        return await self.receive(call, partial(_read_whole, read))

    async def receive(self, call: Call, read: ReadBody[T]) -> T:
        """Like `send`, but `read` decompresses the body itself. It runs in a thread, unless the body is small."""
        budget = RetryBudget(self._limits, self._clock.random)
        while True:
            try:
                return await self._attempt(call, read)
            except RetryableError as failed:
                await self._recover(call, failed, budget)

    async def probe(self, call: Call, turn_sec: float) -> None:
        """Send one request without retries. A 429 counts as success.

        It waits for its turn like fresh work, but at most `turn_sec` seconds. Then it is sent without one, and a later
        turn is left out for it. Raises RateLimited, without a request, while the source is blocked for some seconds.
        """
        try:
            async with asyncio.timeout(turn_sec + _RESPONSE_SEC):
                if blocked := await self._turn_within(turn_sec):
                    raise _blocked(call, blocked)
                await self._answered(call, lambda _, __: None)
        except TimeoutError:
            raise call.unavailable(f"no response within {turn_sec + _RESPONSE_SEC:g} seconds") from None
        except RetryableError as failed:
            if not isinstance(failed.error, RateLimited):
                raise failed.error from failed.__cause__

    async def _turn_within(self, seconds: float) -> float:
        """As `Limiter.turn`. If no turn comes in time, or the ledger that counts turns is down, go on without one."""
        try:
            async with asyncio.timeout(seconds):
                return await self._limiter.turn(_RESPONSE_SEC, lambda: Priority.FRESH)
        except (TimeoutError, LedgerUnavailable):
            self._limiter.charge()
            return 0.0

    async def reserve(self, priority: Callable[[], Priority]) -> None:
        """Wait until a request may be sent, and reserve its turn for this task. Does not wait for a long block."""
        asked_at = self._clock.monotonic()
        await self._limiter.reserve(self._limits.longest_wait, priority)
        self._tell_wait(asked_at)

    def release(self) -> None:
        """Give the reserved turn back, if it was not used."""
        self._limiter.release()

    async def _recover(self, call: Call, failed: RetryableError, budget: RetryBudget) -> None:
        limited = isinstance(failed.error, RateLimited)
        wait = budget.after_limit(failed.at_least) if limited else budget.after_failure(failed.at_least)
        if limited:
            # Pause even if this call gives up: other workers must not send requests before the reset.
            self._limiter.pause(failed.at_least if wait is None else wait)
        if wait is None:
            raise failed.error from failed.__cause__
        self._observe(
            RequestRetried(call.operation, call.subject, call.index_id, failed.error.cause, wait, limited=limited)
        )
        if not limited:
            await self._clock.sleep(wait)

    async def _attempt(self, call: Call, read: ReadBody[T]) -> T:
        asked_at = self._clock.monotonic()
        blocked = await self._limiter.turn(self._limits.longest_wait)
        self._tell_wait(asked_at)
        if blocked:
            raise _blocked(call, blocked)
        return await self._answered(call, read)

    async def _answered(self, call: Call, read: ReadBody[T]) -> T:
        self._sent[call.index_id] += 1
        with telling(self._observe, call, self._clock.monotonic) as response, self.in_memory.hold() as held:
            answer = await self._exchange(call, held, response)
            try:
                return await self._read(call, answer, read)
            finally:
                response.size_bytes = answer.body.size

    async def _read(self, call: Call, answer: _Answer, read: ReadBody[T]) -> T:
        self.server_time = rate_headers.http_date(answer.headers.get("date"))
        quota = rate_headers.quota(answer.headers, self._clock.wall())
        if quota is not None:
            self._limiter.learn(quota)
        if not httpx.codes.is_success(answer.status):
            raise error_from_response(call, answer.status, answer.headers, answer.body.whole(), self._clock.wall())
        try:
            answer.body.unpack_small()
            if answer.body.is_small:
                return read(answer.body, call)
            async with self._large if answer.body.received > _LARGE else nullcontext():
                return await asyncio.to_thread(read, answer.body, call)
        except Unavailable as error:
            raise RetryableError(error) from None
        except TooLargeError:
            raise self._too_large(call) from None
        except zlib.error as error:
            raise RetryableError(self._unavailable(call, f"DecodingError: {error}")) from error

    def _tell_wait(self, asked_at: float) -> None:
        waited = self._clock.monotonic() - asked_at
        if waited > 0:
            self._observe(TurnWaited(waited))

    async def _exchange(self, call: Call, held: HeldBody, told: Response) -> _Answer:
        try:
            async with asyncio.timeout(self._limits.exchange) as deadline, self._stream(call) as response:
                told.status = response.status_code
                body = await self._body(response, held, deadline)
                return _Answer(response.status_code, dict(response.headers.items()), body)
        except TooLargeError:
            raise self._too_large(call) from None
        except TimeoutError:
            raise RetryableError(
                call.unavailable(f"no complete response within {self._limits.exchange:g} seconds")
            ) from None
        except tuple(TRANSLATION) as error:
            raise self._translated(call, error) from error

    @asynccontextmanager
    async def _stream(self, call: Call) -> AsyncIterator[httpx.Response]:
        """As `httpx.AsyncClient.stream`, which joins URLs and headers anew for each request."""
        query = f"?{urlencode(call.params)}" if call.params else ""
        request = httpx.Request(
            call.method,
            f"{self._client.base_url}{call.path}{query}",
            headers={**self._client.headers, "content-type": "application/json"} if call.json else self._client.headers,
            content=call.json,
            files={name: (None, value) for name, value in call.form.items()} if call.form else None,
            extensions={"timeout": self._client.timeout.as_dict()},
        )
        response = await self._client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    async def _body(self, response: httpx.Response, held: HeldBody, deadline: asyncio.Timeout) -> ResponseBody:
        body = ResponseBody(self._limits.body)
        if not response.is_success:
            async for chunk in response.aiter_bytes():
                body.add(chunk)
                if body.received > _ERROR_BODY:
                    break
            return body
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        body.gzipped = encoding == "gzip"
        received = response.aiter_raw() if encoding in {"gzip", "identity"} else response.aiter_bytes()
        async for large in joined(received):
            body.add(large)
            if body.received > SMALL:
                await self._make_room(len(large), held, deadline)
        return body

    async def _make_room(self, size: int, held: HeldBody, deadline: asyncio.Timeout) -> None:
        """The time that a body waits for others does not count as the source's."""
        asked_at = asyncio.get_running_loop().time()
        await held.grow(size)
        waited = asyncio.get_running_loop().time() - asked_at
        if waited > 0 and (ends_at := deadline.when()) is not None:
            deadline.reschedule(ends_at + waited)

    def _too_large(self, call: Call) -> Exception:
        return call.malformed(f"the response is larger than {self._limits.body} bytes")

    def _unavailable(self, call: Call, cause: str) -> Unavailable:
        return call.unavailable(f"{self._client.base_url.host}: {cause}")

    def _translated(self, call: Call, error: Exception) -> Exception:
        kind = next(TRANSLATION[base] for base in type(error).__mro__ if base in TRANSLATION)
        cause = f"{type(error).__name__}: {error}".rstrip(": ")
        if kind is ConfigError:
            return ConfigError(call.operation, call.subject, f"{self._client.base_url.host}: {cause}", _URL_ADVICE)
        return RetryableError(self._unavailable(call, cause))


def _blocked(call: Call, seconds: float) -> RateLimited:
    return rate_limited(call, f"TwelveLabs accepts the next request in {seconds:.0f} seconds", seconds)


def _read_whole(read: Read[T], body: ResponseBody, call: Call) -> T:
    return read(body.whole(), call)


def _checked_key(api_key: str) -> str:
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        cause = "it is empty or has characters that a key cannot have (value not shown)"
        raise ConfigError("use", "TWELVELABS_API_KEY", cause, "Copy the key again, without quotes or line breaks")
    return api_key


def _client(
    base_url: str, api_key: str, limits: RequestLimits, connections: int, environment: Mapping[str, str]
) -> httpx.AsyncClient:
    url = _checked_url(base_url)
    return httpx.AsyncClient(
        base_url=url,
        verify=names_certificates(environment) or verification(str(url), environment),
        headers={
            "x-api-key": api_key,
            "user-agent": f"twelvelabs-qdrant-connector/{__version__}",
            "accept": "application/json",
            "accept-encoding": "gzip",
        },
        timeout=httpx.Timeout(connect=limits.connect, read=limits.read, write=limits.connect, pool=None),
        # Unbounded: work waits by priority for its turn, and would wait in order of arrival for a connection.
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=connections, keepalive_expiry=30.0),
        follow_redirects=False,
    )


def _checked_url(base_url: str) -> httpx.URL:
    try:
        return httpx.URL(server_url(base_url))
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigError("use", "TWELVELABS_BASE_URL", str(error), _URL_ADVICE) from None
