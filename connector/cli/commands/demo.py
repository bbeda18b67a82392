"""`connector demo`: a complete sync, step by step, on the simulator and embedded storage in a temporary directory."""

import json
import tempfile
from pathlib import Path

from rich.rule import Rule

from connector.app import make_sink, open_app
from connector.cli.commands.search import print_lists, search_all
from connector.cli.commands.sync import print_report
from connector.cli.output import Exit, out
from connector.cli.progress import ProgressBars
from connector.settings.connector_settings import Settings, given_only
from connector.simulator import Control, Scenario, Simulator

QUERY = "goal celebration"


async def demo() -> Exit:
    clean = True
    with tempfile.TemporaryDirectory(prefix="connector-demo-") as directory:
        async with Simulator(Scenario.default()) as simulator:
            settings = given_only(
                twelvelabs_api_key="simulated-key",
                twelvelabs_base_url=simulator.base_url,
                qdrant_url="embedded",
                connector_indexes="*",
                connector_data_dir=Path(directory),
            )
            _step("1. A TwelveLabs account (simulated): two indexes, two Marengo models")
            _account(simulator.control)
            _step("2. connector sync: the segment embeddings go into Qdrant (embedded)")
            clean &= await _sync(settings)
            _step("3. A point: one time range of a video, a named vector per option")
            await _point(settings)
            _step(f'4. connector search "{QUERY}": all options fused, a list per model')
            await _search(settings)
            _step("5. One video deleted, one added, one with other metadata: sync again")
            _change(simulator.control)
            clean &= await _sync(settings)
            _step("6. Nothing changed: nothing is retrieved, nothing is written")
            clean &= await _sync(settings)
    out.print()
    out.print("Your own account: set TWELVELABS_API_KEY, CONNECTOR_INDEXES and QDRANT_URL, then run `connector check`.")
    return Exit.DONE if clean else Exit.INCOMPLETE


def _step(title: str) -> None:
    out.print()
    out.print(Rule(title, align="left"))


def _account(control: Control) -> None:
    for index_id in control.index_ids:
        index = control.index(index_id)
        model = index["models"][0]["model_name"]
        out.print(f"  {index['index_name']} ({index_id}): {model}, {len(control.asset_ids(index_id))} videos")


async def _sync(settings: Settings) -> bool:
    with ProgressBars() as bars:
        async with open_app(settings, "demo", observe=bars.observe) as app:
            reports = [await app.engine.cycle(index) for index in await app.indexes()]
    for report in reports:
        print_report(report)
    return all(report.clean for report in reports)


async def _point(settings: Settings) -> None:
    sink = make_sink(settings)
    try:
        for collection in reversed(await sink.collections()):
            point = await sink.example(collection.name)
            if point:
                out.print(f"  collection {collection.name}, point {point.point_id}")
                out.print(f"  vectors: {', '.join(f'{name} ({size})' for name, size in point.vectors.items())}")
                out.print_json(json.dumps(point.payload), indent=2)
                return
    finally:
        await sink.close()


async def _search(settings: Settings) -> None:
    async with open_app(settings, "demo", read_only=True) as app:
        print_lists(await search_all(app, QUERY, (), {"limit": 3}))


def _change(control: Control) -> None:
    index_id = control.index_ids[0]
    assets = control.asset_ids(index_id)
    control.advance(60)
    control.delete_asset(index_id, assets[1])
    control.patch_metadata(index_id, assets[0], {"reviewed": True})
    control.add_asset(index_id, "street-parade.mp4", captions=["dancers in the street", "fireworks over the harbour"])
    control.advance(60)
