"""What Qdrant holds of one asset: all segments in the order of time, its facts, and no more than asked for."""

from connector.engine.stored_asset import read_asset
from tests.contract.asset_points import asset_points, spec
from tests.fakes.sink import FakeSink

PLACES = ("old", "new")


async def filled(*, segments: int = 25) -> FakeSink:
    sink = FakeSink()
    for name in PLACES:
        await sink.ensure(spec(name), {})
    points = asset_points(segments=segments, words=["one", "two"], metadata={"category": "sports"})
    for one in (points, asset_points("asset-2")):
        await sink.replace(one, "new", ())
    return sink


async def test_segments_are_in_the_order_of_time() -> None:
    found = await read_asset(await filled(), PLACES, "index-1", "asset-1")

    assert [it.start_sec for it in found.segments] == [6.0 * n for n in range(25)]
    assert [it.transcript for it in found.segments[:3]] == ["one", "two", ""]
    assert found.segments[0].options == ("visual", "audio", "transcription")
    assert found.facts["filename"] == "match.mp4"
    assert found.facts["user_metadata"] == {"category": "sports"}
    assert not found.truncated


async def test_points_in_two_collections_are_shown_once() -> None:
    sink = await filled()
    await sink.replace(asset_points(segments=30), "old", ())

    found = await read_asset(sink, PLACES, "index-1", "asset-1")

    assert len({it.start_sec for it in found.segments}) == 30


async def test_an_asset_without_points_has_neither_segments_nor_facts() -> None:
    sink = await filled()

    for collections, asset in ((PLACES, "asset-3"), (("gone",), "asset-1"), ((), "asset-1")):
        found = await read_asset(sink, collections, "index-1", asset)
        assert (found.segments, found.facts, found.truncated) == ((), {}, False)


async def test_no_more_segments_are_read_than_asked_for() -> None:
    found = await read_asset(await filled(), PLACES, "index-1", "asset-1", most=20)

    assert (len(found.segments), found.truncated) == (20, True)
    assert found.facts["filename"] == "match.mp4"
    assert not (await read_asset(await filled(), PLACES, "index-1", "asset-1", most=25)).truncated
