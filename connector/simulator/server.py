"""Serves the simulator on a real socket: in a running loop, in its own thread, or as a process."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

import uvicorn

from connector.simulator.api.application import service, side_by_side
from connector.simulator.api.gate import Gate
from connector.simulator.api.patterns import PREFIX
from connector.simulator.api.rate_limit import RateLimit
from connector.simulator.api.requests_log import RequestLog
from connector.simulator.control import Control
from connector.simulator.control_api import control_application
from connector.simulator.faults.delivery import BreakableProtocol
from connector.simulator.faults.fault_board import FaultBoard
from connector.simulator.faults.webhook_sender import WebhookSender
from connector.simulator.world.scenario import Scenario
from connector.simulator.world.world import World

_GRACE_SECONDS = 3.0
_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 2048


class Simulator:
    """`async with Simulator(scenario) as sim`: serves until the block ends; `port` 0 picks a free one.

    Any non-empty API key passes unless `api_key` is given. `timer` and `wall` are the real clocks, for the
    simulated time (if it runs), the rate limit and webhook signatures. Raises OSError if the address cannot be used.
    """

    def __init__(
        self,
        scenario: Scenario | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str | None = None,
        timer: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.scenario = scenario = scenario or Scenario.default()
        world = World(scenario, timer, wall)
        self._board = FaultBoard(scenario.seed)
        self._webhooks = WebhookSender(world)
        self._webhook = scenario.webhook
        requests = RequestLog(timer)
        self.control = Control(world, self._board, requests, self._webhooks)
        for fault in scenario.faults:
            self._board.inject(fault)
        gate = Gate(service(world), world, self._board, requests, RateLimit(timer), api_key)
        self._server = _server(side_by_side(control_application(self.control), gate))
        self._host = host
        self._port = port

    @property
    def port(self) -> int:
        return self._port

    @property
    def base_url(self) -> str:
        """The base URL for the official SDK and the connector."""
        return f"http://{self._host}:{self._port}{PREFIX}"

    @property
    def control_url(self) -> str:
        return f"http://{self._host}:{self._port}/_control"

    async def __aenter__(self) -> Self:
        listener = _listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        await self._server.startup(sockets=[listener])
        if self._webhook is not None:
            self._webhooks.configure(self._webhook)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._board.clear()
        await asyncio.to_thread(self._webhooks.stop)
        await _stop(self._server)


def _listen(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as error:
        cause = error.strerror or str(error)
        message = f"the simulator cannot listen on {host}:{port}: {cause}; choose another host or port"
        raise OSError(error.errno, message) from error
    # asyncio sets this only on sockets created with IPPROTO_TCP; without it each request takes 40 ms longer
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _server(app: Any) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=BreakableProtocol,
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server


async def _stop(server: uvicorn.Server) -> None:
    """Finish responses in progress. uvicorn's own shutdown waits in steps of 100 ms, too slow for many tests."""
    for listener in server.servers:
        listener.close()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        _, unfinished = await asyncio.wait(state.tasks, timeout=_GRACE_SECONDS)
        for task in unfinished:
            task.cancel()
    for connection in list(state.connections):
        connection.transport.abort()
    await asyncio.sleep(0)


@contextlib.contextmanager
def run_in_thread(scenario: Scenario | None = None, **options: Any) -> Iterator[Simulator]:
    """Run the simulator in a thread with its own event loop, for synchronous programs; `options` as for Simulator."""
    started: Future[tuple[Simulator, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(
        target=lambda: asyncio.run(_run(started, scenario, options)), name="simulator", daemon=True
    )
    thread.start()
    simulator, loop, done = started.result()
    try:
        yield simulator
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


async def _run(started: "Future[Any]", scenario: Scenario | None, options: dict[str, Any]) -> None:
    done = asyncio.Event()
    try:
        simulator = Simulator(scenario, **options)
        async with simulator:
            started.set_result((simulator, asyncio.get_running_loop(), done))
            await done.wait()
    except Exception as error:
        if started.done():
            raise
        started.set_exception(error)


async def serve(
    scenario: Scenario, *, host: str, port: int, api_key: str | None, ready: Callable[[Simulator], None]
) -> None:
    """Serve until cancelled, in real time unless the scenario has a rate; call `ready` once listening.

    Raises OSError when it cannot listen, ValueError for a wrong scenario.
    """
    async with Simulator(scenario.flowing(), host=host, port=port, api_key=api_key) as simulator:
        ready(simulator)
        await asyncio.Event().wait()
