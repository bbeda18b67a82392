"""All faults in one place: what goes wrong, where, what becomes of the work, and which test proves it.

Rows with a fault are tested in `test_fault_matrix.py`; the others name the test that proves them.
"""

from collections.abc import Iterator

from tests.e2e.asset_faults import BODY_FAULTS, CONTENT_FAULTS, STATUS_FAULTS
from tests.e2e.fault_rows import Becomes, LedgerFault, Proven, SearchFault, SinkFault, SourceFault, Where
from tests.e2e.index_faults import LISTING_FAULTS, LOOKUP_FAULTS, PROOF_FAULTS
from tests.e2e.other_faults import LEDGER_FAULTS, SEARCH_FAULTS, SINK_FAULTS

Row = SourceFault | SearchFault | SinkFault | LedgerFault | Proven

SOURCE_FAULTS = (*LOOKUP_FAULTS, *LISTING_FAULTS, *STATUS_FAULTS, *BODY_FAULTS, *CONTENT_FAULTS, *PROOF_FAULTS)

WAITS = "waited for, then applied"
REPAIRED = "repaired"
NAMED = "refused by name"

PROVEN = (
    Proven(
        "no response in time",
        Where.RETRIEVAL,
        "deferred",
        ("tests/contract/test_transport.py::test_a_server_that_hangs_is_unavailable",),
    ),
    Proven(
        "text, ids and metadata that cannot be stored",
        Where.RETRIEVAL,
        "failed",
        ("tests/e2e/test_bad_assets.py::test_bad_assets_fail_alone_and_everything_else_goes_on",),
    ),
    Proven(
        "asset that kills the process",
        Where.RETRIEVAL,
        "quarantined",
        ("tests/crash/test_kill.py::test_an_asset_that_kills_the_process_ends_in_quarantine",),
    ),
    Proven(
        "the index is gone after the 404",
        Where.PROOF,
        "the cycle fails",
        ("tests/engine/test_cycle_deletes.py::test_an_index_that_goes_between_listing_and_delete_loses_nothing",),
    ),
    Proven(
        "refuses connections",
        Where.SINK,
        "the cycle fails",
        ("tests/e2e/test_sync.py::test_qdrant_that_is_down_is_reported_for_every_index",),
    ),
    Proven(
        "not a Qdrant",
        Where.SINK,
        "the cycle fails",
        ("tests/contract/test_sink_faults.py::test_what_is_no_qdrant_is_said_to_be_none",),
    ),
    Proven(
        "killed with -9 in mid-batch",
        Where.SINK,
        REPAIRED,
        ("tests/crash/test_kill.py::test_qdrant_killed_in_the_middle_is_picked_up_where_it_was",),
    ),
    Proven(
        "restarted under a daemon",
        Where.SINK,
        REPAIRED,
        ("tests/e2e/test_daemon.py::test_qdrant_killed_and_brought_back",),
    ),
    Proven(
        "restarted in mid-batch",
        Where.SINK,
        WAITS,
        ("tests/e2e/test_fault_matrix_qdrant.py::test_a_restart_in_mid_batch_is_waited_for",),
    ),
    Proven(
        "collection dropped in mid-batch",
        Where.SINK,
        REPAIRED,
        ("tests/e2e/test_fault_matrix_qdrant.py::test_a_collection_that_is_dropped_in_mid_batch_is_filled_again",),
    ),
    Proven(
        "429 with a time",
        Where.SINK,
        WAITS,
        (
            "tests/contract/test_sink_faults.py::test_a_short_rate_limit_is_waited_for",
            "tests/contract/test_sink_grpc_faults.py::test_a_short_rate_limit_is_waited_for",
        ),
    ),
    Proven(
        "batch too large",
        Where.SINK,
        "split, then applied",
        (
            "tests/contract/test_sink_faults.py::test_a_batch_over_a_limit_goes_in_halves",
            "tests/contract/test_sink_server.py::test_a_large_asset_goes_through",
        ),
    ),
    Proven(
        "strict mode",
        Where.SINK,
        "smaller requests, then applied",
        ("tests/e2e/test_neighbours.py::test_strict_mode_with_a_small_limit_slows_down_and_goes_on",),
    ),
    Proven(
        "full disk",
        Where.SINK,
        "deferred",
        ("tests/contract/test_sink_faults.py::test_a_transient_failure_is_tried_again",),
    ),
    Proven(
        "a point that is refused",
        Where.SINK,
        "failed",
        ("tests/contract/test_sink_faults.py::test_the_refused_point_is_found_by_halving",),
    ),
    Proven(
        "locked by another process",
        Where.LEDGER,
        NAMED,
        ("tests/e2e/test_sync.py::test_a_second_process_on_one_ledger_is_told_who_has_it",),
    ),
    Proven("read-only", Where.LEDGER, NAMED, ("tests/e2e/test_check.py::test_a_ledger_that_this_user_cannot_write",)),
    Proven(
        "a row that cannot be read",
        Where.LEDGER,
        NAMED,
        ("tests/e2e/test_damaged_ledger.py::test_every_command_names_the_row_and_the_cure",),
    ),
    Proven(
        "two daemons on one ledger",
        Where.PROCESS,
        "the second waits",
        ("tests/e2e/test_daemon_process.py::test_a_second_daemon_waits_for_the_first_and_takes_over",),
    ),
    Proven(
        "killed with -9 at any step",
        Where.PROCESS,
        REPAIRED,
        ("tests/crash/test_every_step.py::test_after_a_kill_before_any_step_a_clean_run_makes_everything_right",),
    ),
    Proven(
        "clock jumps back and forth",
        Where.PROCESS,
        "goes on",
        ("tests/e2e/test_clock_steps.py::test_every_kind_of_step",),
    ),
    Proven(
        "output closed or full",
        Where.PROCESS,
        "the work is done",
        (
            "tests/e2e/test_streams.py::test_output_that_cannot_be_written_is_said_in_one_line",
            "tests/e2e/test_streams.py::test_a_reader_that_leaves_early_is_no_matter",
            "tests/e2e/test_streams.py::test_without_any_stream_the_work_is_done",
        ),
    ),
    Proven(
        "terminal gone",
        Where.PROCESS,
        "finishes what is in hand",
        ("tests/e2e/test_hangup.py::test_a_terminal_that_closes_lets_the_daemon_finish_what_is_in_hand",),
    ),
)

ROWS: tuple[Row, ...] = (*SOURCE_FAULTS, *SEARCH_FAULTS, *SINK_FAULTS, *LEDGER_FAULTS, *PROVEN)


def outcome(row: Row) -> str:
    if isinstance(row, Proven):
        return row.outcome
    if isinstance(row, LedgerFault):
        return NAMED if row.refused else REPAIRED
    if isinstance(row, SourceFault):
        return row.becomes.value
    if isinstance(row, SinkFault):
        return Becomes.CYCLE_FAILED.value
    return "fails by name" if row.error else WAITS


def summary() -> Iterator[list[str]]:
    """The cells of the table in docs/reliability.md: where, outcome, faults."""
    names: dict[tuple[str, str], list[str]] = {}
    for row in sorted(ROWS, key=lambda row: list(Where).index(row.where)):
        names.setdefault((row.where.value, outcome(row)), []).append(row.name)
    for (where, what), faults in names.items():
        yield [where, what, "; ".join(faults)]
