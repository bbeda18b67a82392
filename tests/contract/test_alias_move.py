"""The move of an alias on a full disk and against a Qdrant that refuses: every error says where the alias points."""

import json
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from connector.domain.errors import ConfigError, ConnectorError, LedgerUnavailable
from connector.domain.events import Event, SinkRequestEnded
from connector.domain.reindex_job import JobState, ReindexJob
from connector.reindex.alias_move import move_alias, settle
from connector.reindex.moves import current_job
from connector.settings.reindex_jobs import directory_of
from tests.contract.reindex_place import NEW, OLD, Place, reindex_place, spec
from tests.full_disk import no_space


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with reindex_place(tmp_path) as it:
        await it.sink.ensure(spec(NEW), {})
        yield it


@pytest.fixture
def usual_space() -> Iterator[None]:
    """Ends a full disk that began within a test."""
    usual, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (usual, most))


def left_in(place: Place, job: ReindexJob) -> tuple[list[str], str]:
    """The files of the job, and its recorded state."""
    directory = directory_of(place.directory, job.alias, job.number)
    recorded = json.loads((directory / "job.json").read_text())
    return [it.name for it in directory.iterdir()], str(recorded["state"])


async def test_there_and_back(place: Place) -> None:
    job = place.begin()

    there = await move_alias(place.directory, job, place.sink, back=False)
    assert (there.job.state, await place.sink.aliases.target("videos")) == (JobState.SWITCHED, NEW)
    back = await move_alias(place.directory, there.job, place.sink, back=True)

    assert (back.job.state, await place.sink.aliases.target("videos")) == (JobState.ROLLED_BACK, OLD)
    assert current_job(place.settings(), "videos") == back.job
    assert min(there.took_sec, back.took_sec) > 0


async def test_what_cannot_be_recorded_is_not_moved(place: Place) -> None:
    job = place.begin()

    with pytest.raises(LedgerUnavailable) as refused, no_space():
        await move_alias(place.directory, job, place.sink, back=False)

    assert f"move alias videos: it was not moved and points to {OLD}: the job could not be recorded" in str(
        refused.value
    )
    assert "free space" in refused.value.advice
    assert await place.sink.aliases.target("videos") == OLD
    assert left_in(place, job) == (["job.json"], "ready")


@pytest.mark.parametrize("back", [False, True])
async def test_a_disk_that_is_full_once_the_alias_has_moved(tmp_path: Path, usual_space: None, back: bool) -> None:
    def fill_the_disk(event: Event, /) -> None:
        if begun and isinstance(event, SinkRequestEnded) and event.operation == "change Qdrant alias":
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    begun, wanted = False, OLD if back else NEW
    async with reindex_place(tmp_path, fill_the_disk) as place:
        await place.sink.ensure(spec(NEW), {})
        job = place.begin(state=JobState.SWITCHED if back else JobState.READY)
        await place.sink.aliases.move("videos", NEW if back else OLD)
        begun = True

        with pytest.raises(LedgerUnavailable) as told:
            await move_alias(place.directory, job, place.sink, back=back)

        assert f"the alias points to {wanted} now, but the job could not be recorded" in str(told.value)
        assert f"then run `connector reindex {'rollback' if back else 'switch'} videos` again" in str(told.value)
        assert await place.sink.aliases.target("videos") == wanted
        assert left_in(place, job) == (["job.json"], "rolling_back" if back else "switching")


async def test_what_a_broken_off_move_left_is_settled_by_where_the_alias_points(place: Place) -> None:
    job = place.begin(state=JobState.SWITCHING)
    await place.sink.aliases.move("videos", NEW)

    settled = settle(place.directory, job, await place.sink.aliases.target("videos"))

    assert settled.state is JobState.SWITCHED
    assert current_job(place.settings(), "videos") == settled
    assert settle(place.directory, settled, NEW) is settled


async def test_what_qdrant_refuses_is_not_moved(tmp_path: Path) -> None:
    async with reindex_place(tmp_path) as place:
        job = place.begin()

        with pytest.raises(ConnectorError, match=f"videos: it was not moved and points to {OLD}: "):
            await move_alias(place.directory, job, place.sink, back=False)

        assert await place.sink.aliases.target("videos") == OLD
        assert left_in(place, job) == (["job.json"], "ready")


async def test_an_alias_that_is_elsewhere_is_left_there(place: Place) -> None:
    job = place.begin()
    await place.sink.ensure(spec("third"), {})
    await place.sink.aliases.move("videos", "third")

    with pytest.raises(ConfigError, match="points to third"):
        await move_alias(place.directory, job, place.sink, back=False)

    assert left_in(place, job) == (["job.json"], "ready")
