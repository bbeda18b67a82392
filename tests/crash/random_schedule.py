"""A random schedule of changes, faults, drifts and kills around the real command. The seed decides what happens.

When things happen depends on the machine, so a seed repeats a schedule, not every interleaving.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from qdrant_client.http.exceptions import UnexpectedResponse

from connector.simulator import Control, Simulator
from tests.command import Command, Process, end
from tests.crash.watcher import Watcher
from tests.e2e.oracle import Point, check_equal
from tests.qdrant_server import QdrantServer, free_port
from tests.waiting import wait_until

LISTING, RETRIEVE = "GET /indexes/*/indexed-assets", "GET /indexes/*/indexed-assets/*"
WORKS_SEC, HELD_SEC = 0.7, 2.0
COMMANDS = (("run",), ("run",), ("run",), ("sync", "--json"), ("verify", "--repair", "--json"))
MODELS = ("marengo2.7", "marengo3.0")
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"status": 503},
    {"status": 429, "headers": {"Retry-After": "1"}, "count": 3},
    {"drop": True},
    {"cut_at": 0.5},
    {"delay": 0.3},
)

EVENTS = {
    "add": 4,
    "remove": 4,
    "change": 4,
    "describe": 3,
    "set_unready": 2,
    "move_the_small_index": 1,
    "fault": 4,
    "drift_between_pages": 1,
    "list_wrongly": 2,
    "end_the_faults": 2,
    "kill_the_connector": 3,
    "kill_it_at_a_request": 3,
    "kill_qdrant": 2,
    "delete_a_point": 1,
    "change_a_payload": 1,
    "copy_a_point": 1,
}
"""Method -> how often it is chosen."""


@dataclass(slots=True)
class Schedule:
    """`done` is what has happened, for the message of a failure. `sizes` are the assets of each index at the start."""

    random: Random
    simulator: Simulator
    server: QdrantServer
    connector: Command
    watcher: Watcher
    done: list[str] = field(default_factory=list)
    unready: set[tuple[str, str]] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    process: Process | None = None

    def __post_init__(self) -> None:
        self.sizes = {index_id: len(self.control.asset_ids(index_id)) for index_id in self.control.index_ids}

    @property
    def control(self) -> Control:
        return self.simulator.control

    def round(self, events: int) -> None:
        """So many random events, and then a calm in which everything must come right."""
        self.done.append("--- round")
        self.start()
        for name in self.random.choices(list(EVENTS), list(EVENTS.values()), k=events):
            self.control.advance(1.0)  # two changes at the same time cannot be told apart
            self.done.append(name)
            getattr(self, name)()
            self.let_it_work()
            self.watcher.look()
            if self.process is None or self.process.poll() is not None:
                self.start()
        self.calm()

    def start(self) -> None:
        """The daemon or a command, unless it still runs."""
        self.reap()
        command = self.random.choice(COMMANDS)
        self.done.append(f"start {command[0]}")
        log = self.connector.directory / f"{len(self.done):06}-{command[0]}.log"
        with log.open("w") as stderr:
            self.process = self.connector.start(*command, stderr=stderr, CONNECTOR_HTTP_PORT=str(free_port()))

    def reap(self) -> None:
        if self.process:
            ended = end(self.process)
            assert ended.code in {0, 1, 3, -9}, f"exit code {ended.code}\n{ended.stdout}"
            self.process = None

    def let_it_work(self) -> None:
        """Until it has sent some requests, has ended or has nothing to do."""
        total = self.control.requests.total + self.random.randint(1, 40)
        process = self.process
        with suppress(TimeoutError):
            wait_until(
                lambda: self.control.requests.total >= total or process is None or process.poll() is not None,
                WORKS_SEC,
                "it works",
            )

    def add(self) -> None:
        index_id = self.any_index()
        self.control.add_asset(index_id, f"added-{len(self.done)}.mp4", duration=self.random.uniform(8.0, 20.0))

    def remove(self) -> None:
        """More of them if the index has grown; one is left, because an empty listing deletes nothing."""
        index_id = self.any_index()
        assets = self.control.asset_ids(index_id)
        count = max(1, len(assets) - self.sizes[index_id])
        for asset_id in self.random.sample(assets[1:], min(count, len(assets) - 1)):
            self.control.delete_asset(index_id, asset_id)
            self.unready.discard((index_id, asset_id))

    def change(self) -> None:
        index_id, asset_id = self.any_asset()
        self.control.update_asset(index_id, asset_id, duration=self.random.uniform(8.0, 20.0))

    def describe(self) -> None:
        self.control.patch_metadata(*self.any_asset(), {"seen at": self.control.now})

    def set_unready(self) -> None:
        index_id, asset_id = self.any_asset()
        self.control.set_status(index_id, asset_id, self.random.choice(["indexing", "failed", "a word of tomorrow"]))
        self.unready.add((index_id, asset_id))

    def move_the_small_index(self) -> None:
        index_id = self.control.index_ids[-1]
        self.control.migrate(index_id, self.random.choice(MODELS))

    def fault(self) -> None:
        pattern = self.random.choice(["**", LISTING, RETRIEVE])
        probability = self.random.choice([0.05, 0.2, 1.0])
        self.control.inject(pattern, **{"count": 20, **self.random.choice(FAULTS)}, probability=probability)

    def drift_between_pages(self) -> None:
        self.control.set_knobs(page_drift=self.random.choice(["none", "insert", "delete"]))

    def list_wrongly(self) -> None:
        """Listings that look complete, without some assets that are still there."""
        index_id = self.any_index()
        assets = self.control.asset_ids(index_id)
        hidden = set(self.random.sample(assets, min(len(assets), self.random.randint(1, 5))))

        def without(body: Any) -> Any:
            kept = [row for row in body["data"] if row["_id"] not in hidden]
            body["page_info"]["total_results"] = max(0, body["page_info"]["total_results"] - len(hidden))
            return {**body, "data": kept}

        self.control.inject(f"GET /indexes/{index_id}/indexed-assets", rewrite=without, count=4)

    def end_the_faults(self) -> None:
        self.control.clear_faults()

    def kill_the_connector(self) -> None:
        if self.process:
            self.process.kill()

    def kill_it_at_a_request(self) -> None:
        hold = self.control.hold(self.random.choice(["**", RETRIEVE]), nth=self.random.randint(1, 20))
        with suppress(TimeoutError):
            hold.wait_reached(HELD_SEC)
        self.kill_the_connector()
        hold.release()

    def kill_qdrant(self) -> None:
        self.server.kill()
        self.let_it_work()
        self.server.start()

    def delete_a_point(self) -> None:
        """As the next ones, what other programs and people do."""
        for collection, key, point in self.any_point():
            self.watcher.forgive(point["payload"]["index_id"], point["payload"]["indexed_asset_id"])
            self.watcher.client.delete(collection, [key], wait=True)

    def change_a_payload(self) -> None:
        for collection, key, _ in self.any_point():
            with suppress(UnexpectedResponse):  # the connector may have removed the point meanwhile
                self.watcher.client.set_payload(collection, {"filename": "other.mp4"}, [key], wait=True)

    def copy_a_point(self) -> None:
        for collection, _, point in self.any_point():
            self.watcher.copy_a_point(self.random, collection, point)

    def any_point(self) -> list[tuple[str, str, Point]]:
        """None while Qdrant has none."""
        points = self.watcher.points(self.any_index())
        places = [(name, key, held[key]) for name, held in sorted(points.items()) for key in sorted(held)]
        return [self.random.choice(places)] if places else []

    def calm(self) -> None:
        """Without faults, one run makes Qdrant equal to the source (I1), and the next one writes nothing (I4)."""
        self.done.append("calm")
        self.control.clear_faults()
        self.control.set_knobs(page_drift="none")
        self.control.advance(1.0)
        for index_id, asset_id in sorted(self.unready):
            if asset_id in self.control.asset_ids(index_id):
                self.control.set_status(index_id, asset_id, "ready")
        self.unready.clear()
        self._end_the_process()
        mended = self.connector.run("verify", "--repair", "--json")
        assert mended.code == 0, mended.stdout + mended.stderr
        self.watcher.look()
        self.watcher.check_copies()
        self.watcher.remove_copies()
        for index_id in self.control.index_ids:
            check_equal(self.watcher.client, self.simulator.base_url, index_id)
        again = self.connector.run("sync", "--json")
        assert again.code == 0, again.stdout + again.stderr
        for index_id in self.control.index_ids:
            report = again.index(index_id)
            written = {key: report[key] for key in ("points_written", "upserted", "refreshed", "deleted")}
            assert not any(written.values()), f"I4: {index_id} {written}"
        self._check_logs()

    def _end_the_process(self) -> None:
        """The daemon drains; a command is killed or finishes."""
        if self.process:
            if self.random.random() < 0.5:
                self.process.kill()
            else:
                self.process.terminate()
        ended = end(self.process) if self.process else None
        assert ended is None or ended.code in {0, 1, 3, 130, -9, -15}, (ended.code, ended.stdout)
        self.process = None

    def _check_logs(self) -> None:
        """No bug was caught and logged. The logs of this round are removed."""
        for log in self.connector.directory.glob("*.log"):
            text = log.read_text()
            crashed = [line for line in text.splitlines() if "Traceback" in line or _event(line) == "cycle.crashed"]
            assert not crashed, f"{log.name}: {crashed[0]}"
            log.unlink()

    def any_index(self) -> str:
        """Mostly the large one."""
        return self.random.choices(self.control.index_ids, [3, 1])[0]

    def any_asset(self) -> tuple[str, str]:
        index_id = self.any_index()
        return index_id, self.random.choice(self.control.asset_ids(index_id))


def _event(line: str) -> object:
    return json.loads(line).get("event") if line.startswith("{") else None
