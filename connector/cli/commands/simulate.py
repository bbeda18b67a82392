"""`connector simulate`: serves the simulator until a signal stops it."""

import asyncio
import json
import shlex
import signal
from pathlib import Path

from connector.cli.output import Exit, out, text
from connector.cli.streams import can_write
from connector.domain.errors import ConfigError
from connector.simulator import Scenario, ScenarioError, Simulator, serve

_ANY_KEY = "simulated-key"
"""The simulator accepts any key unless one is given."""


def scenario_of(file: Path | None, seed: int | None, assets: int | None) -> Scenario:
    """`seed` overrides the file's seed. Raises ConfigError that names the mistake in the file."""
    if file is None:
        seed, assets = 7 if seed is None else seed, 12 if assets is None else assets
        return Scenario.default(seed=seed, assets=assets, clock_rate=1.0)
    if assets is not None:
        advice = "Omit one of the two"
        raise ConfigError(
            "simulate", "--assets", "it cannot be combined with --scenario: the file defines the assets", advice
        )
    try:
        scenario = Scenario.load(file)
    except ScenarioError as error:
        raise ConfigError("simulate", "--scenario", str(error)) from error
    return scenario if seed is None else scenario.with_seed(seed)


async def simulate(scenario: Scenario, host: str, port: int, api_key: str | None, *, as_json: bool) -> Exit:
    """Serve until SIGTERM, then return normally; the caller handles Ctrl-C.

    Return at once if the address cannot be printed: nobody would know where it serves.
    """
    task = asyncio.current_task()
    if task:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

    def ready(simulator: Simulator) -> None:
        _announce(simulator, api_key=api_key or _ANY_KEY, as_json=as_json)
        if task and not can_write():
            task.cancel()

    try:
        await serve(scenario, host=host, port=port, api_key=api_key, ready=ready)
    except OSError as error:
        raise ConfigError("simulate", f"on {host}:{port}", str(error)) from error
    except asyncio.CancelledError:
        if task is None or task.cancelling() == 0:
            raise
    return Exit.DONE


def _announce(simulator: Simulator, *, api_key: str, as_json: bool) -> None:
    """Print the first line for programs (base URL, then index ids), the rest for people."""
    control = simulator.control
    facts = {"base_url": simulator.base_url, "index_ids": control.index_ids, "control_url": simulator.control_url}
    if as_json:
        print(json.dumps(facts), flush=True)  # noqa: T201  one line, unlike other documents: the server keeps running
        return
    print(simulator.base_url, *control.index_ids, flush=True)  # noqa: T201  plain text for programs
    for index_id in control.index_ids:
        index = control.index(index_id)
        model = index["models"][0]["model_name"]
        out.print(f"  index {index_id}: {text(index['index_name'])}, {model}, {index['video_count']:g} videos")
    out.print("Point any TwelveLabs client at it, for example:", style="dim")
    variables = {
        "TWELVELABS_BASE_URL": simulator.base_url,
        "TWELVELABS_API_KEY": api_key,
        "CONNECTOR_INDEXES": "*",
    }
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    out.print(f"  {text(settings)} connector sync", style="dim")
    out.print(f"Control API: {simulator.control_url}    Press Ctrl-C to stop.", style="dim")
