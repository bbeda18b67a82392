"""What an error code means and what to do, in a few words. `docs/runbook.md` has the long form. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Advice:
    """`what` is a short sentence without a full stop; `do` tells the operator what to do."""

    what: str
    do: str


_UNKNOWN = Advice("An error that this release does not know", "Read the reason; look its code up in the runbook.")

ADVICE: Mapping[str, Advice] = MappingProxyType(
    {
        "asset_error": Advice(
            "TwelveLabs rejected a request about the asset",
            "Do what the message says. If the asset is gone, `connector quarantine drop` deletes its points.",
        ),
        "authentication_failed": Advice(
            "The API key was rejected", "Correct the key and restart the connector; `connector check --keys` tests it."
        ),
        "config_error": Advice(
            "A setting or an index id is invalid",
            "Correct the setting that the message names, and restart the connector.",
        ),
        "cycle_error": Advice("A command could not be executed", "Do what the message says; the log has more details."),
        "embedding_lag": Advice(
            "The asset is ready, but its embedding has not appeared yet", "Nothing: it is retried for an hour."
        ),
        "embedding_missing": Advice(
            "The asset has been ready for more than an hour without an embedding", "Re-index it at TwelveLabs."
        ),
        "foreign_host": Advice("A request named another host", "Use the loopback address of the listener."),
        "foreign_site": Advice("A page of another site sent a request", "Open the status page itself."),
        "index_gone": Advice(
            "The index does not exist at TwelveLabs any more",
            "Remove it from CONNECTOR_INDEXES; `connector forget` deletes its points if you do not need them.",
        ),
        "internal_error": Advice(
            "A bug in the connector",
            "Report it with the traceback from the log. After an upgrade, run `connector quarantine retry`.",
        ),
        "interrupted": Advice("The process ended while it worked on the asset", "Nothing: it is processed again."),
        "fenced": Advice("Another replica has taken the asset over, and does it again", "Nothing needs to be done."),
        "lease_lost": Advice(
            "Another replica has taken the index over, and goes on", "Nothing needs to be done, unless it repeats."
        ),
        "ledger_unavailable": Advice(
            "The ledger cannot be read or written",
            "Free disk space, correct permissions, stop the other process, or restore the file.",
        ),
        "malformed_asset": Advice(
            "The response has invalid content, so nothing of the asset was stored",
            "Re-index the asset at TwelveLabs, or report it to them with the reason.",
        ),
        "not_confirmed": Advice("A command was not confirmed", "Run it again and confirm it."),
        "not_found": Advice("The ledger has no such asset", "Correct the ids, or wait for the next poll."),
        "alias_elsewhere": Advice(
            "Searchers use another collection through an alias",
            "Turn the settings back to that collection, or move the alias with `connector reindex`.",
        ),
        "owned_elsewhere": Advice(
            "Another connector owns this index in the collection",
            "Stop one of the two, or let them write to different collections.",
        ),
        "points_rejected": Advice(
            "Qdrant rejected points of the asset",
            "Do what the message says; usually it is a limit of Qdrant's strict mode, or a changed collection.",
        ),
        "rate_limited": Advice(
            "The connector was asked to wait, and waits",
            "Nothing. Set CONNECTOR_REQUESTS_PER_MINUTE if other programs need the same quota.",
        ),
        "sink_mismatch": Advice(
            "A Qdrant collection does not fit, or does not exist",
            "`connector check` names the differences. Use another CONNECTOR_COLLECTION, or move the collection away.",
        ),
        "sink_unavailable": Advice(
            "The embedded storage cannot be used",
            "Stop the other process that has it open, free disk space, or correct the permissions.",
        ),
        "source_unavailable": Advice(
            "TwelveLabs rejected a request about the index",
            "Check TWELVELABS_BASE_URL and proxies; it is retried.",
        ),
        "token_required": Advice("A request had no valid token", "Send the value of CONNECTOR_HTTP_TOKEN."),
        "unavailable": Advice(
            "A service did not respond, or broke off",
            "Nothing for single ones: it is retried. Otherwise check the network and the service in the reason.",
        ),
        "usage_error": Advice("A command line or an address is wrong", "Correct the call."),
        "withheld": Advice(
            "Deletes were withheld",
            "`connector plan` lists them all. If you removed these videos, allow them once with "
            "`connector sync --allow-deletes`.",
        ),
    }
)

NOT_READY: Mapping[str, Advice] = MappingProxyType(
    {
        "source": Advice(
            "TwelveLabs cannot be used", "Check the key, the network and TWELVELABS_BASE_URL; it is retried."
        ),
        "sink": Advice("Qdrant cannot be used", "Check that Qdrant runs and can be reached; it is retried."),
        "ledger": Advice(
            "The ledger cannot be written", "Free disk space, correct its permissions, or restart as the reason says."
        ),
        "schedule": Advice("The schedule is late", "The machine is overloaded or was suspended; restart if it lasts."),
        "daemon": Advice("The connector is shutting down", "Nothing: it finishes the assets in progress."),
    }
)
"""Name of a reason in `/readyz` -> what it means."""


def advice_on(code: str | None) -> Advice:
    return ADVICE.get(code or "", _UNKNOWN)


def not_ready(name: str) -> Advice:
    return NOT_READY.get(name, Advice(f"{name} cannot be used", "Do what the message says."))
