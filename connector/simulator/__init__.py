"""The TwelveLabs API as a local server: for development, tests and trying the connector out without an account."""

from connector.simulator.control import Control
from connector.simulator.faults import Hold
from connector.simulator.knobs import Knobs
from connector.simulator.patterns import Call
from connector.simulator.requests_log import Logged
from connector.simulator.scenario import (
    AssetSpec,
    ClockSpec,
    FaultSpec,
    IndexSpec,
    Scenario,
    ScenarioError,
    Timings,
    WebhookSpec,
)
from connector.simulator.scenes import Scene
from connector.simulator.server import Simulator, run_in_thread, serve
from connector.simulator.webhooks import Delivery, signature

__all__ = [
    "AssetSpec",
    "Call",
    "ClockSpec",
    "Control",
    "Delivery",
    "FaultSpec",
    "Hold",
    "IndexSpec",
    "Knobs",
    "Logged",
    "Scenario",
    "ScenarioError",
    "Scene",
    "Simulator",
    "Timings",
    "WebhookSpec",
    "run_in_thread",
    "serve",
    "signature",
]
