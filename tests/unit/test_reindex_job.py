"""What follows from a reindex and from where its alias points."""

from dataclasses import replace

import pytest

from connector.domain.errors import ConfigError
from connector.domain.reindex_job import (
    RATE,
    JobState,
    ReindexJob,
    current,
    goes_on,
    instruction,
    latest,
    misplaced,
    must_move,
    to_set,
    writer_of,
    written,
)

OLD, NEW = "videos-v1-marengo3.0", "videos-v2-marengo3.0"
CHANGES = {"CONNECTOR_COLLECTION": "videos-v2-{model}", "CONNECTOR_TRANSCRIPT": "false"}
JOB = ReindexJob(
    alias="videos",
    number=1,
    from_collection=OLD,
    to_collection=NEW,
    changes=CHANGES,
    before={"CONNECTOR_COLLECTION": "videos-v1-{model}", "CONNECTOR_TRANSCRIPT": None},
    state=JobState.READY,
    from_model="marengo3.0",
    created_at=100.0,
    changed_at=100.0,
)
NEXT = replace(JOB, number=2, from_collection=NEW, changes={"CONNECTOR_COLLECTION": "videos-v3-{model}"})
OTHER = replace(JOB, alias="clips", number=3, changes={"CONNECTOR_COLLECTION": "clips-v2-{model}"})
JOBS = [NEXT, OTHER, JOB]


def test_a_collection_keeps_its_ledger() -> None:
    assert writer_of("videos-v2-{model}", JOBS) is JOB
    assert writer_of("videos-v3-{model}", JOBS) is NEXT
    assert writer_of("videos-v1-{model}", JOBS) is None
    again = replace(JOB, alias="again", created_at=200.0)
    assert writer_of("videos-v2-{model}", [again, JOB]) is again
    third = replace(JOB, number=3)
    assert writer_of("videos-v2-{model}", [third, JOB]) is third


def test_the_last_move_of_an_alias_counts() -> None:
    assert latest(JOBS) == [OTHER, NEXT]
    assert current("videos", JOBS) is NEXT
    assert current("films", JOBS) is None


@pytest.mark.parametrize(
    ("state", "alias_at", "settled"),
    [
        *((state, NEW, JobState.SWITCHED) for state in JobState),
        *(
            (state, state_at, state)
            for state in (JobState.FILLING, JobState.READY)
            for state_at in (OLD, "third", None)
        ),
        (JobState.SWITCHING, OLD, JobState.READY),
        (JobState.SWITCHED, OLD, JobState.ROLLED_BACK),
        (JobState.ROLLING_BACK, OLD, JobState.ROLLED_BACK),
        (JobState.ROLLED_BACK, OLD, JobState.ROLLED_BACK),
        *((state, "third", state) for state in (JobState.SWITCHING, JobState.ROLLING_BACK, JobState.SWITCHED)),
    ],
)
def test_where_the_alias_points_settles_a_move_that_broke_off(
    state: JobState, alias_at: str | None, settled: JobState
) -> None:
    assert replace(JOB, state=state).settled(alias_at) is settled


def test_a_job_keeps_the_time_of_its_last_change() -> None:
    assert JOB.now(JobState.READY, 300.0) is JOB
    assert JOB.now(JobState.SWITCHED, 300.0) == replace(JOB, state=JobState.SWITCHED, changed_at=300.0)


@pytest.mark.parametrize("changes", [{}, CHANGES, dict(reversed(CHANGES.items()))])
@pytest.mark.parametrize("state", JobState)
def test_the_same_changes_go_on_with_the_job(changes: dict[str, str], state: JobState) -> None:
    assert goes_on(replace(JOB, state=state), changes, OLD)
    assert not goes_on(None, changes, OLD)


def test_other_changes_are_a_new_job_once_this_one_has_ended() -> None:
    other = {**CHANGES, "CONNECTOR_TRANSCRIPT": "true"}

    for state in (JobState.SWITCHED, JobState.ROLLING_BACK, JobState.ROLLED_BACK):
        assert not goes_on(replace(JOB, state=state), other, OLD)
    assert not goes_on(JOB, other, NEW), "killed right after the alias was moved"
    for state in (JobState.FILLING, JobState.READY, JobState.SWITCHING):
        with pytest.raises(ConfigError) as refused:
            goes_on(replace(JOB, state=state), other, OLD)
        assert str(refused.value) == (
            f"reindex videos: a reindex into {NEW} with other settings has begun:"
            " CONNECTOR_COLLECTION=videos-v2-{model}"
            f" CONNECTOR_TRANSCRIPT=false. Go on with it by omitting --set, or give it up: delete collection {NEW} and"
            " the directory reindex/videos/1 of the data directory."
        )


def test_an_alias_moves_between_both_sides_only() -> None:
    assert must_move(JOB, OLD)
    assert not must_move(JOB, NEW)
    assert must_move(JOB, NEW, back=True)
    assert not must_move(JOB, OLD, back=True)
    with pytest.raises(ConfigError) as refused:
        must_move(JOB, "third")
    assert str(refused.value) == (
        f"move alias videos: it points to third, and this reindex is from {OLD} to {NEW}: somebody moved or removed it"
        f" meanwhile. Point it to {OLD} first, if that is what searchers need."
    )
    for back in (False, True):
        with pytest.raises(ConfigError, match=r"points to nothing.*`connector reindex start videos --create-alias`"):
            must_move(JOB, None, back=back)


V1, V2, V3 = "videos-v1-{model}", "videos-v2-{model}", "videos-v3-{model}"


@pytest.mark.parametrize(
    ("state", "alias_at", "template", "why"),
    [
        (JobState.FILLING, OLD, V1, None),
        (JobState.FILLING, OLD, V2, None),
        (JobState.READY, OLD, V2, None),
        (JobState.SWITCHED, NEW, V2, None),
        (JobState.READY, NEW, V1, "points to videos-v2-marengo3.0, but these settings write another"),
        (JobState.SWITCHED, NEW, V1, "points to videos-v2-marengo3.0, but these settings write another"),
        (JobState.ROLLED_BACK, OLD, V1, None),
        (JobState.ROLLED_BACK, OLD, V2, "points to videos-v1-marengo3.0, but these settings write videos-v2"),
        (JobState.SWITCHED, OLD, V2, "points to videos-v1-marengo3.0, but these settings write videos-v2"),
        (JobState.SWITCHED, "third", V2, "points to third, which is neither side"),
        (JobState.SWITCHED, None, V2, "does not exist any more"),
    ],
)
def test_what_searchers_read_and_what_is_written(
    state: JobState, alias_at: str | None, template: str, why: str | None
) -> None:
    found = misplaced(replace(JOB, state=state), alias_at, template)

    assert (found is None) == (why is None)
    assert why is None or why in (found or "")


def test_lines_for_the_environment() -> None:
    assert to_set({**JOB.changes, "CONNECTOR_REQUESTS_PER_MINUTE": "10"}) == [
        "CONNECTOR_COLLECTION=videos-v2-{model}",
        "CONNECTOR_TRANSCRIPT=false",
    ]
    assert instruction(JOB.before) == "set CONNECTOR_COLLECTION=videos-v1-{model} and remove CONNECTOR_TRANSCRIPT"
    assert instruction({**JOB.changes, RATE: "10"}) == f"set {written(JOB.changes).replace(' ', ', ')}"
    assert instruction({"CONNECTOR_COLLECTION": None, "CONNECTOR_TRANSCRIPT": None, RATE: None}) == (
        "remove CONNECTOR_COLLECTION, CONNECTOR_TRANSCRIPT"
    )
    assert to_set(JOB.before) == ["CONNECTOR_COLLECTION=videos-v1-{model}", "# remove CONNECTOR_TRANSCRIPT"]
