"""Sends signed index.task.* events when an asset becomes ready or fails. The only module that sends requests."""

import hashlib
import hmac
import random
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from connector.simulator.world.clock import format_ms
from connector.simulator.world.draws import key
from connector.simulator.world.ids import IdKind
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.records import STAGES, Record
from connector.simulator.world.scenario import WebhookSpec
from connector.simulator.world.world import World

_TIMEOUT_SECONDS = 5.0
_KEPT = 1_000


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of the TL-Signature header: HMAC-SHA256 of `<t>.<raw body>` with the secret, in lower-case hex."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def _check(spec: WebhookSpec) -> None:
    try:
        url = httpx.URL(spec.url)
    except httpx.InvalidURL as error:
        raise ValueError(f"webhook url {spec.url!r}: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"webhook url {spec.url!r}: write it like http://127.0.0.1:8081/webhooks/twelvelabs")
    spec.secret.encode()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request to the receiver; `status` 0 means no response."""

    event_id: str
    type: str
    task_id: str
    status: int


class WebhookSender:
    """A thread that sends due events. Changes of the world and of the simulated time poke it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._spec: WebhookSpec | None = None
        self._waiting: deque[dict[str, Any]] = deque()
        self._deliveries: deque[Delivery] = deque(maxlen=_KEPT)
        self._events = 0
        self._random = random.Random(world.scenario.seed)  # noqa: S311  losses must repeat, not surprise
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def deliveries(self) -> list[Delivery]:
        return list(self._deliveries)

    def configure(self, spec: WebhookSpec) -> None:
        """Send events to this receiver from now on. Raises ValueError for an invalid URL or secret."""
        _check(spec)
        self._spec = spec
        if self._world.watched is None:
            self._world.watched = {}
        self._world.changed = self._wake.set
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="simulator-webhooks", daemon=True)
            self._thread.start()
        self._wake.set()

    def emit(self, kind: str, state: SimulatedIndex, record: Record) -> None:
        """Queue an event of any type about this asset's task. Raises ValueError without a receiver."""
        if self._spec is None:
            raise ValueError(f"event {kind!r}: nobody receives events yet; call set_webhook first")
        self._waiting.append(self._event(kind, state, record))
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            while not self._stopping:
                with self._world.lock:
                    pause = self._collect()
                    batch = self._batch()
                for event in batch:
                    self._send(client, event)
                self._wake.wait(pause)
                self._wake.clear()

    def _collect(self) -> float | None:
        """Queue events of finished assets; return real seconds until the next possible event, None if unscheduled."""
        world, due_ms = self._world, []
        watched = world.watched if world.watched is not None else {}
        for (number, ordinal), record in list(watched.items()):
            state = world.indexes[number]
            status = world.status(state, record).name
            if status in STAGES and state.has(ordinal) and record.moves:
                due_ms.append(record.started_ms + world.starts[-1] - world.now_ms())
                continue
            del watched[number, ordinal]
            if status in {"ready", "failed"} and state.has(ordinal):
                self._waiting.append(self._event(f"index.task.{status}", state, record))
        rate = world.clock.rate
        return max(min(due_ms), 1) / 1000 / rate if due_ms and rate else None

    def _batch(self) -> list[dict[str, Any]]:
        """The queued events, with losses, duplicates and order as the knobs demand."""
        knobs = self._world.knobs
        batch = [event for event in self._waiting if self._random.random() >= knobs.webhook_loss]
        self._waiting.clear()
        if knobs.webhook_reorder:
            batch.reverse()
        return [event for event in batch for _ in range(knobs.webhook_copies)]

    def _event(self, kind: str, state: SimulatedIndex, record: Record) -> dict[str, Any]:
        world = self._world
        self._events += 1
        number = key(world.scenario.seed, "event", self._events)
        unknown = world.knobs.webhook_unknown_task
        task_id = world.codec.encode(IdKind.UNKNOWN_TASK if unknown else IdKind.TASK, state.number, record.ordinal)
        return {
            "id": f"whe_{number:016x}{self._events:016x}",
            "created_at": format_ms(world.now_ms(), "offset"),
            "type": kind,
            "data": {
                "id": task_id,
                "metadata": {"duration": record.content.duration, "filename": record.content.filename},
                "status": kind.rpartition(".")[2],
                "models": [{"name": state.model.name, "options": list(state.model_options)}],
                "tags": [],
            },
        }

    def _send(self, client: httpx.Client, event: dict[str, Any]) -> None:
        spec = self._spec
        if spec is None:
            raise RuntimeError("webhooks run without a receiver")
        body = msgspec.json.encode(event)
        timestamp = int(self._world.wall() + self._world.knobs.webhook_clock_skew_s)
        headers = {"content-type": "application/json", "tl-signature": signature(spec.secret, timestamp, body)}
        try:
            status = client.post(spec.url, content=body, headers=headers).status_code
        except httpx.HTTPError:
            status = 0
        self._deliveries.append(Delivery(event["id"], event["type"], event["data"]["id"], status))
