"""Where changes of assets are carried out if not in this process: the opening for several replicas."""

from collections.abc import Mapping
from typing import Protocol

from connector.domain.report import Result
from connector.engine.apply import Change


class Withdrawn(Exception):
    """The change was not carried out, and another process has it now: it ends as if the workers were stopped."""


class Dispatch(Protocol):
    async def carry_out(self, index_id: str, names: Mapping[str, str], change: Change) -> Result:
        """Have the change carried out somewhere, and wait for its result. `names` is that of `Applier`.

        The priority is that of the running task (`WAITS_AS`). Raises like `Applier.carry_out`, and Withdrawn.
        """
