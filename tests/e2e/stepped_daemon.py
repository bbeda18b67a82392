"""A daemon whose wall clock is off: by CLOCK_OFFSET_SEC, or by the seconds that a file has at the time.

Run it with `python -m tests.e2e.stepped_daemon run`.
"""

import asyncio
import os
import time
from pathlib import Path

from connector.daemon.process import run_daemon
from connector.settings.loading import load
from connector.telemetry import logs

OFFSET = Path("offset")


def wall() -> float:
    return time.time() + float(os.environ.get("CLOCK_OFFSET_SEC") or OFFSET.read_text())


if __name__ == "__main__":
    settings, _ = load()
    logs.set_up(settings.connector_log_level, settings.connector_log_format)
    asyncio.run(run_daemon(settings, wall))
