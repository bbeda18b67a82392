"""Signed events at a receiver of the test."""

import hashlib
import hmac
import json
import queue
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connector.simulator import Scenario, WebhookSpec, signature
from tests.comparing import differences
from tests.simulator.access import Access, access, one_index, video
from tests.waiting import wait_until

SECRET = "whsec_test"
WALL = 1_772_000_000.0


class Receiver:
    def __init__(self, port: int, events: "queue.Queue[tuple[str, bytes]]") -> None:
        self.url = f"http://127.0.0.1:{port}/webhooks"
        self._events = events

    def signed(self) -> tuple[str, bytes]:
        """The next request: its signature header and raw body."""
        return self._events.get(timeout=10)

    def next(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.signed()[1])
        return event

    @property
    def quiet(self) -> bool:
        return self._events.empty()


@contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    events: queue.Queue[tuple[str, bytes]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            events.put((self.headers["TL-Signature"], body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Receiver(server.server_port, events)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def sender(receiver: Receiver) -> Iterator[Access]:
    with access(one_index(), wall=lambda: WALL) as api:
        api.control.set_webhook(receiver.url, SECRET)
        yield api


def test_the_published_scheme() -> None:
    """The documented example: whsec_test, 1659342128, {"name":"test"}."""
    expected = "73e063bb99349a2a6f9b10ec272475f5fe6ab14b105a5212c68a759e073c04d0"

    assert signature("whsec_test", 1659342128, b'{"name":"test"}') == f"t=1659342128,v1={expected}"


@pytest.mark.parametrize(("status", "kind"), [("ready", "index.task.ready"), ("failed", "index.task.failed")])
def test_an_event_when_indexing_ends(sender: Access, receiver: Receiver, status: str, kind: str) -> None:
    """Once the simulated time is reached; the task in the payload leads to index and video."""
    index = sender.control.index_ids[0]
    asset = sender.control.add_asset(index, "a.mp4", status=status, ready_in=30, duration=12.5)
    sender.control.advance(29)
    sender.control.advance(1)
    header, body = receiver.signed()
    event = json.loads(body)

    assert re.fullmatch(r"whe_[0-9a-f]{32}", event["id"])
    assert (event["type"], event["data"]["status"]) == (kind, status)
    assert event["data"]["metadata"]["duration"] == 12.5
    assert event["data"]["models"] == [{"name": "marengo3.0", "options": ["visual", "audio"]}]
    task = sender.get(f"/tasks/{event['data']['id']}")
    assert (task["index_id"], task["video_id"]) == (index, asset)
    parts = dict(part.split("=") for part in header.split(","))
    digest = hmac.new(SECRET.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    assert (parts["t"], parts["v1"]) == (str(int(WALL)), digest)


def test_nothing_is_sent_on_the_way(sender: Access, receiver: Receiver) -> None:
    """Only the end of indexing is an event: not metadata, deletion or a silent re-index."""
    index = sender.control.index_ids[0]
    asset = sender.control.add_asset(index, "a.mp4")
    assert receiver.next()["type"] == "index.task.ready"
    sender.control.patch_metadata(index, asset, {"a": 1})
    sender.control.reindex(index, asset)
    sender.control.restart(index, asset)
    sender.control.delete_asset(index, asset)
    other = sender.control.add_asset(index, "b.mp4")

    assert receiver.next()["data"]["id"] == sender.control.task_id(index, other)


def test_copies_skew_and_unknown_tasks(sender: Access, receiver: Receiver) -> None:
    """The knobs: the same event twice, with a wrong clock, about an unknown task."""
    sender.control.set_knobs(webhook_copies=2, webhook_clock_skew_s=-600, webhook_unknown_task=True)
    sender.control.add_asset(sender.control.index_ids[0], "a.mp4")
    first, second = receiver.signed(), receiver.signed()

    assert first == second
    assert first[0].startswith(f"t={int(WALL) - 600},")
    task = json.loads(first[1])["data"]["id"]
    assert sender.refused(f"/tasks/{task}") == (404, "resource_not_exist")


@pytest.mark.parametrize("reorder", [False, True])
def test_events_can_come_in_another_order(sender: Access, receiver: Receiver, *, reorder: bool) -> None:
    index = sender.control.index_ids[0]
    sender.control.set_knobs(webhook_reorder=reorder)
    assets = [sender.control.add_asset(index, f"{name}.mp4", ready_in=30) for name in "abc"]
    sender.control.advance(30)
    told = [receiver.next()["data"]["id"] for _ in assets]
    tasks = [sender.control.task_id(index, asset) for asset in assets]

    assert told == (tasks[::-1] if reorder else tasks)


def test_events_can_be_lost(sender: Access, receiver: Receiver) -> None:
    index = sender.control.index_ids[0]
    sender.control.set_knobs(webhook_loss=1.0)
    asset = sender.control.add_asset(index, "a.mp4", ready_in=30)
    sender.control.set_knobs(webhook_loss=0.0)
    sender.control.emit("index.task.ready", index, asset)

    assert receiver.next()["data"]["id"] == sender.control.task_id(index, asset)
    sender.control.set_knobs(webhook_loss=1.0)
    sender.control.advance(30)
    wait_until(lambda: len(sender.control.deliveries) == 1, 10, "the first delivery is recorded")
    assert receiver.quiet


def test_deleted_on_the_way_is_no_event(sender: Access, receiver: Receiver) -> None:
    """Nor an asset that is stuck in a status."""
    index = sender.control.index_ids[0]
    gone = sender.control.add_asset(index, "gone.mp4", ready_in=30)
    sender.control.add_asset(index, "stuck.mp4", status="indexing", ready_in=30)
    sender.control.delete_asset(index, gone)
    sender.control.advance(60)
    asset = sender.control.add_asset(index, "a.mp4")

    assert receiver.next()["data"]["id"] == sender.control.task_id(index, asset)


def test_events_of_any_type_can_be_sent(sender: Access, receiver: Receiver) -> None:
    index = sender.control.index_ids[0]
    asset = sender.control.add_asset(index, "a.mp4", status="indexing")
    sender.control.emit("analyze.task.ready", index, asset)

    assert receiver.next()["type"] == "analyze.task.ready"


@pytest.mark.parametrize("status", [204, 500])
def test_deliveries_are_recorded(status: int) -> None:
    """With the receiver's status; also in a scenario with a webhook, and with a running clock."""
    with receiving(status) as receiver:
        scenario = Scenario(
            indexes=one_index(assets=(video(ready_in=0.05),)).indexes,
            clock=Scenario.default(clock_rate=1.0).clock,
            webhook=WebhookSpec(url=receiver.url, secret=SECRET),
        )
        with access(scenario) as api:
            event = receiver.next()
            wait_until(lambda: bool(api.control.deliveries), 10, "the delivery is recorded")
            (delivery,) = api.control.deliveries

        assert differences(delivery, event_id=event["id"], type="index.task.ready", status=status) == {}


def test_a_receiver_that_is_down_is_recorded_too() -> None:
    with receiving() as receiver:
        url = receiver.url
    with access(one_index()) as api:
        api.control.set_webhook(url, SECRET)
        api.control.add_asset(api.control.index_ids[0], "a.mp4")
        wait_until(lambda: bool(api.control.deliveries), 10, "the delivery is recorded")

        assert api.control.deliveries[0].status == 0
