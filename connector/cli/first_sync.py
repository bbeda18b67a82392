"""What a first sync begins before its slow imports."""

from connector.domain.errors import ConnectorError
from connector.settings.connector_settings import Settings
from connector.twelvelabs.scanning_process import ScanningProcess


def scanning_of_first_sync(settings: Settings) -> ScanningProcess | None:
    """The process that scans long bodies, started: a first sync retrieves every asset. None if there is a ledger."""
    try:
        place = settings.ledger
    except ConnectorError:  # the sync itself reports it
        return None
    if place.url is not None or place.file.exists():
        return None
    process = ScanningProcess()
    process.start()
    return process
