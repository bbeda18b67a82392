"""The TwelveLabs API as a local server: for development, tests and evaluation without an account."""

from connector.simulator.api.patterns import ReceivedCall
from connector.simulator.api.requests_log import Logged
from connector.simulator.control import Control
from connector.simulator.faults.fault_board import Hold
from connector.simulator.faults.webhook_sender import Delivery, signature
from connector.simulator.server import Simulator, run_in_thread, serve
from connector.simulator.world.knobs import Knobs
from connector.simulator.world.scenario import (
    AssetSpec,
    ClockSpec,
    FaultSpec,
    IndexSpec,
    Scenario,
    ScenarioError,
    Timings,
    WebhookSpec,
)
from connector.simulator.world.scenes import Scene

__all__ = [
    "AssetSpec",
    "ClockSpec",
    "Control",
    "Delivery",
    "FaultSpec",
    "Hold",
    "IndexSpec",
    "Knobs",
    "Logged",
    "ReceivedCall",
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
