"""The daemon says when searchers read another collection than it writes."""

from pathlib import Path

from structlog.testing import capture_logs

from connector.daemon.alias_watch import AliasWatch
from connector.domain.errors import Unavailable
from connector.domain.reindex_job import JobState
from connector.domain.sink_model import CollectionSpec
from connector.settings.connector_settings import given_only
from connector.settings.reindex_jobs import save_job
from tests.fakes.sink import FakeSink
from tests.unit.test_reindex_job import JOB, NEW, OLD


async def test_a_moved_alias_is_told_once(tmp_path: Path) -> None:
    sink = FakeSink()
    for name in (OLD, NEW):
        await sink.ensure(CollectionSpec(name, "marengo3.0", 8, ("visual",)), {})
    sink.aliases["videos"] = OLD
    settings = given_only(
        twelvelabs_api_key="key",
        connector_indexes="a",
        connector_data_dir=tmp_path,
        connector_collection="videos-v1-{model}",
    )
    watch = AliasWatch(sink, settings)

    with capture_logs() as told:
        await watch.look()
        save_job(tmp_path, JOB)
        await watch.look()
        assert told == []
        sink.aliases["videos"] = NEW
        save_job(tmp_path, JOB.now(JobState.SWITCHED, 200.0))
        for _ in range(2):
            await watch.look()
        sink.fail_next(1, Unavailable("inspect", "", "down", side="sink"))
        await watch.look()
        sink.aliases["videos"] = OLD
        await watch.look()
        sink.aliases["videos"] = NEW
        await watch.look()

        sink.aliases["videos"] = "third"
        await sink.ensure(CollectionSpec("third", "marengo3.0", 8, ("visual",)), {})
        await watch.look()
        del sink.aliases["videos"]
        await watch.look()

    assert [(it["event"], it["log_level"]) for it in told] == [("alias.elsewhere", "warning")] * 4
    assert told[2]["next_step"].startswith(f"Point it to {OLD} or {NEW}")
    assert "`connector reindex start videos --create-alias`" in told[3]["next_step"]
    assert told[0]["alias"] == "videos"
    assert told[0]["reason"].endswith("but these settings write another collection")
    assert "CONNECTOR_COLLECTION=videos-v2-{model}" in told[0]["next_step"]
