"""Polls of all indexes by a command: what is new or changed, between two full cycles."""

from connector.app import open_app
from connector.cli.follow import daemon_runs
from connector.cli.interrupts import interrupts
from connector.domain.report import CycleReport
from connector.settings.connector_settings import Settings


async def run_polls(settings: Settings, *, command: str, takeover_sec: float) -> tuple[list[CycleReport], bool]:
    """The reports, and True if it was interrupted. Does nothing if a daemon owns the ledger, since that one polls.

    Raises ConnectorError if an index cannot be found, or the ledger cannot be opened.
    """
    reports: list[CycleReport] = []
    if await daemon_runs(settings):
        return reports, False
    async with open_app(settings, command, takeover_sec=takeover_sec) as app:
        indexes = await app.indexes()
        with interrupts(app.engine.workers):
            for index in indexes:
                changed = app.engine.poll_pass(index)
                reports.append(await app.engine.run(changed))
                if changed.survey and not app.engine.workers.stopping:
                    rest = app.engine.unfinished_pass(index, changed.survey.snapshot.assets)
                    reports.append(await app.engine.run(rest))
        return reports, app.engine.workers.stopping
