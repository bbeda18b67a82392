"""Controls a running simulator; safe to call from any thread.

Indexes and assets are named by their ids. A wrong id or value raises ValueError naming it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from connector.simulator.api.api_errors import ApiError
from connector.simulator.api.requests_log import RequestLog
from connector.simulator.api.views import detail_view, index_view
from connector.simulator.faults.fault_board import FaultBoard, Hold, Rewrite, Stage
from connector.simulator.faults.webhook_sender import Delivery, WebhookSender
from connector.simulator.world import changes
from connector.simulator.world.clock import format_ms
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.knobs import Knobs
from connector.simulator.world.models import SPELLINGS
from connector.simulator.world.records import Record
from connector.simulator.world.scenario import AssetSpec, FaultSpec, IndexSpec, WebhookSpec
from connector.simulator.world.scenes import LONGEST_SECONDS, Scene
from connector.simulator.world.world import World

Caption = str | Scene
CHANGEABLE = ("filename", "duration", "fps", "width", "height", "metadata")
"""The facts of AssetSpec that `update_asset` changes; the API has no way to change the others."""


class Control:
    """`requests` is the log of all requests so far."""

    def __init__(self, world: World, board: FaultBoard, requests: RequestLog, webhooks: WebhookSender) -> None:
        self._world = world
        self._board = board
        self._webhooks = webhooks
        self.requests = requests

    @property
    def index_ids(self) -> list[str]:
        """The ids of existing indexes, oldest first."""
        with self._world.lock:
            return [state.id for state in self._world.living_indexes()]

    def index(self, index: str) -> dict[str, Any]:
        """The index as the API returns it."""
        with self._world.lock:
            return index_view(self._world, self._index(index))

    def asset_ids(self, index: str) -> list[str]:
        """The ids of all existing assets of the index, oldest first."""
        with self._world.lock:
            state = self._index(index)
            ordinals = [state.nth(place) for place in range(state.count())]
            return [self._world.indexed_asset_id(state, ordinal) for ordinal in ordinals]

    def asset(self, index: str, asset: str) -> dict[str, Any]:
        """The asset as the retrieve endpoint returns it, without embeddings."""
        with self._world.lock:
            return detail_view(self._world, *self._asset(index, asset))

    def task_id(self, index: str, asset: str) -> str:
        with self._world.lock:
            state, record = self._asset(index, asset)
            return self._world.task_id(state, record.ordinal)

    def add_index(
        self, name: str, model: str = "marengo3.0", options: tuple[str, ...] = ("visual", "audio"), generate: int = 0
    ) -> str:
        """Return the new id."""
        spec = _convert({"name": name, "model": model, "options": list(options), "generate": generate}, IndexSpec)
        with self._world.lock:
            return self._world.open_index(spec, self._world.now_ms()).id

    def add_asset(self, /, index: str, filename: str, *, captions: list[Caption] | None = None, **facts: Any) -> str:
        """Return the new id. `facts` are fields of AssetSpec; without `status` and `ready_in` it is ready at once."""
        spec = _convert({"filename": filename, **facts}, AssetSpec)
        spec = msgspec.structs.replace(spec, **_content_facts(captions, {}))
        with self._world.lock:
            state = self._index(index)
            return self._world.indexed_asset_id(state, changes.add(self._world, state, spec).ordinal)

    def update_asset(
        self,
        /,
        index: str,
        asset: str,
        *,
        captions: list[Caption] | None = None,
        model: str | None = None,
        bump: bool = True,
        **facts: Any,
    ) -> None:
        """Replace the content under the same id, with new vectors unless only the metadata changes.

        `facts` are those in CHANGEABLE; `model` is the one that makes the vectors from now on; `bump` moves updated_at.
        """
        fixed = sorted(set(facts) - set(CHANGEABLE))
        if fixed:
            raise ValueError(f"update_asset: {fixed[0]!r} cannot be changed; facts are {', '.join(CHANGEABLE)}")
        with self._world.lock:
            state, record = self._asset(index, asset)
            content = _content_facts(captions, facts)
            spelled = None if model is None else _model(model)
            changes.rewrite_asset(self._world, state, record.ordinal, content, model=spelled, bump=bump)
            if "metadata" in facts:
                state.change(record.ordinal, user_metadata=changes.stored(facts["metadata"]))

    def set_status(self, index: str, asset: str, status: str) -> None:
        """Set the status permanently; `status` may be a value that the vendor does not use."""
        with self._world.lock:
            state, record = self._asset(index, asset)
            changes.set_status(self._world, state, record.ordinal, status)

    def restart(self, index: str, asset: str, status: str = "ready") -> None:
        """Repeat the life cycle from pending, ending in `status`."""
        with self._world.lock:
            state, record = self._asset(index, asset)
            changes.restart(self._world, state, record.ordinal, status)

    def reindex(self, index: str, asset: str, *, duration: float | None = None, bump: bool | None = None) -> None:
        """Set new vectors, and a new length if given; `bump` None leaves the dates to `reindex_bumps_updated_at`."""
        if duration is not None and not 0 < duration <= LONGEST_SECONDS:
            raise ValueError(f"reindex duration={duration}: it must be above 0 and at most {LONGEST_SECONDS:g} seconds")
        with self._world.lock:
            state, record = self._asset(index, asset)
            moves = self._world.knobs.reindex_bumps_updated_at if bump is None else bump
            changes.reindex(self._world, state, record.ordinal, duration, bump=moves)

    def migrate(self, index: str, model: str) -> None:
        """Migrate the index and all its vectors to another model, in place."""
        with self._world.lock:
            changes.migrate(self._world, self._index(index), _model(model))

    def expire_index(self, index: str) -> None:
        """Expire the index as after its 90 days; every request then gets an error."""
        with self._world.lock:
            self._index(index).expires_ms = self._world.now_ms()

    def delete_index(self, index: str) -> None:
        with self._world.lock:
            self._index(index).deleted = True

    def delete_asset(self, index: str, asset: str) -> None:
        with self._world.lock:
            state, record = self._asset(index, asset)
            state.remove(record.ordinal)

    def patch_metadata(self, index: str, asset: str, metadata: Mapping[str, Any]) -> None:
        """Like PATCH: null removes a key; `patch_bumps_updated_at` decides whether updated_at changes."""
        with self._world.lock:
            state, record = self._asset(index, asset)
            changes.patch_metadata(self._world, state, record.ordinal, metadata)

    @property
    def now(self) -> str:
        """The simulated time in RFC 3339."""
        return format_ms(self._world.now_ms(), "millis")

    def advance(self, seconds: float) -> None:
        """Move the simulated time forward by `seconds`."""
        self._world.clock.advance(seconds)
        self._world.changed()

    @property
    def knobs(self) -> Knobs:
        return self._world.knobs

    def set_knobs(self, /, **changed: Any) -> Knobs:
        """Set knobs from the next request on; see Knobs for names and values. Raises ValueError for unknown ones."""
        with self._world.lock:
            self._world.knobs = self._world.knobs.with_changes(**changed)
            return self._world.knobs

    def hold(self, pattern: str, nth: int = 1, stage: Stage = "request") -> Hold:
        """Stop the nth matching request from now on, before its processing or ("response") before its response."""
        return self._board.hold(pattern, nth, stage)

    def inject(self, /, pattern: str, *, rewrite: Rewrite | None = None, **fault: Any) -> None:
        """Inject a fault into matching requests. The first matching fault that is not used up counts.

        `fault` has the keys of FaultSpec. How often: `count` (None: all) and `probability`. What happens: `status`,
        `body` (text or JSON value), `headers`, `cut_at` (share of the body that is sent), `delay` and `slow` (seconds
        before and during the response), `drop` (connection reset). `rewrite` changes the decoded body of the normal
        response. With a content-encoding in `headers`, the body is sent as it is.
        """
        if "match" in fault:
            raise ValueError("inject: 'match' is called pattern here")
        self._board.inject(_convert({"match": pattern, **fault}, FaultSpec), rewrite)

    def clear_faults(self) -> None:
        """Remove all faults and release all held requests."""
        self._board.clear()

    def clear_requests(self) -> None:
        """Empty the log; its total keeps counting."""
        self.requests.clear()

    def set_webhook(self, url: str, secret: str) -> None:
        """Send index.task.* events to this URL from now on, signed with the secret."""
        self._webhooks.configure(WebhookSpec(url=url, secret=secret))

    def emit(self, event: str, index: str, asset: str) -> None:
        """Send a webhook event of any type about this asset's task."""
        with self._world.lock:
            self._webhooks.emit(event, *self._asset(index, asset))

    @property
    def deliveries(self) -> list[Delivery]:
        """The webhook requests sent so far, oldest first."""
        return self._webhooks.deliveries

    def _index(self, index: str) -> SimulatedIndex:
        try:
            return self._world.index(index)
        except ApiError as error:
            raise ValueError(f"index {index!r}: {error.message}") from error

    def _asset(self, index: str, asset: str) -> tuple[SimulatedIndex, Record]:
        try:
            return self._world.indexed_asset(index, asset)
        except ApiError as error:
            raise ValueError(f"asset {asset!r} of index {index!r}: {error.message}") from error


def _convert(value: dict[str, Any], kind: type[Any]) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{kind.__name__}: {error}") from error


def _content_facts(captions: list[Caption] | None, facts: dict[str, Any]) -> dict[str, Any]:
    """The fields that determine the content, validated like those of a scenario."""
    checked = _convert({"filename": "unchanged", **facts}, AssetSpec)
    own = (name for name in CHANGEABLE if name != "metadata" and facts.get(name) is not None)
    found: dict[str, Any] = {name: getattr(checked, name) for name in own}
    if captions is None:
        return found
    if not captions:
        raise ValueError("captions: give at least one, or leave them out")
    return {**found, "scenes": changes.scenes_of(captions)}


def _model(name: str) -> str:
    if name not in SPELLINGS:
        raise ValueError(f"model {name!r}: known models are {', '.join(SPELLINGS)}")
    return SPELLINGS[name].name
