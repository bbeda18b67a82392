"""What the commands show on a terminal: wrapped at words, colours by meaning, bars with names."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.command import Command
from tests.overdue import make_refreshes_due
from tests.terminal import on_terminal

STRANGER = "66aa0000000000000000ffff"
WIDTHS = (60, 80, 120)
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
GREEN, YELLOW, RED = "\x1b[32m", "\x1b[33m", "\x1b[31m"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    older = IndexSpec(name="older-videos", model="marengo2.7", generate=4)
    newer = IndexSpec(name="newer-videos", model="marengo3.0", generate=10)
    with run_in_thread(Scenario(seed=5, indexes=(older, newer))) as running:
        yield running


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Command:
    """Nothing was synced yet."""
    return Command(
        tmp_path_factory.mktemp("new"),
        {
            "TWELVELABS_API_KEY": "test-key",
            "TWELVELABS_BASE_URL": simulator.base_url,
            "QDRANT_URL": "embedded",
            "CONNECTOR_INDEXES": ",".join(simulator.control.index_ids),
        },
    )


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory, new: Command) -> Command:
    command = Command(tmp_path_factory.mktemp("synced"), new.settings)
    assert command.run("sync").code == 0
    return command


@pytest.fixture
def copy(tmp_path: Path, synced: Command) -> Command:
    """For a test that changes it."""
    shutil.copytree(synced.directory, tmp_path, dirs_exist_ok=True)
    return Command(tmp_path, synced.settings)


@pytest.mark.parametrize("width", WIDTHS)
def test_check_wraps_at_words_below_the_message(new: Command, width: int) -> None:
    shown, piped = on_terminal(new, "check", width=width), new.run("check")

    lines = [line for line in shown.screen.lines if line]
    assert shown.code == 0
    assert max(map(len, lines)) <= width
    assert {line[:12] for line in lines[:-1]} == {"ok".ljust(12), " " * 12}
    assert lines[-1] == "8 checks, all ok."
    assert " ".join(shown.text.split()) == " ".join(piped.stdout.split()), "no word is broken"


def test_check_ends_with_what_is_wrong(new: Command) -> None:
    shown = on_terminal(new, "check", width=120, CONNECTOR_INDEXES=STRANGER, QDRANT_URL="http://127.0.0.1:1")

    last = [line for line in shown.screen.lines if line][-1]
    assert shown.code == 2
    assert last == f"5 checks, 3 ok, 1 wrong (index {STRANGER}), 1 unavailable (Qdrant)."
    assert f"{RED}wrong" in shown.sent
    assert f"{GREEN}ok" in shown.sent


@pytest.mark.parametrize("arguments", [["check"], ["plan"], ["sync"], ["search", "goal"]], ids=" ".join)
def test_colour_is_for_terminals_only(synced: Command, arguments: list[str]) -> None:
    plain = on_terminal(synced, *arguments, NO_COLOR="1")
    piped = synced.run(*arguments)

    assert (plain.code, piped.code) == (0, 0)
    assert COLOUR.search(plain.sent) is None
    assert "\x1b" not in piped.stdout + piped.stderr


@pytest.mark.parametrize("width", WIDTHS)
def test_sync_shows_a_bar_for_each_index_from_the_start(new: Command, tmp_path: Path, width: int) -> None:
    shown = on_terminal(Command(tmp_path, new.settings), "sync", width=width)

    bars = [frame for frame in shown.screen.frames if re.search(r"\d+/\d+ assets", frame)]
    assert shown.code == 0
    assert all(name in bars[0] for name in ("newer-vid", "older-vid"))
    assert "waiting" in bars[0]
    first, second, *report = shown.screen.lines
    assert (first.split()[-2:], second.split()[-2:]) == (["4/4", "assets"], ["10/10", "assets"])
    assert report[0].startswith("older-videos (")
    assert max(map(len, shown.screen.lines)) <= width
    assert "2 indexes: 14 upserted; everything is in sync." in report


def test_sync_shows_no_log_lines_and_no_ids_among_the_bars(new: Command, tmp_path: Path) -> None:
    shown = on_terminal(Command(tmp_path, new.settings), "sync")
    above = shown.sent[: shown.sent.index("listed")]

    assert "[info" not in shown.sent
    assert "collection.created" not in shown.sent
    assert not any(f"{index_id} " in above for index_id in new.settings["CONNECTOR_INDEXES"].split(","))


def test_sync_logs_everything_at_level_debug(new: Command, tmp_path: Path) -> None:
    shown = on_terminal(Command(tmp_path, new.settings), "sync", width=120, CONNECTOR_LOG_LEVEL="debug")

    assert "collection.created" in shown.sent


def test_a_sync_without_work_has_no_bars(copy: Command) -> None:
    shown = on_terminal(copy, "sync")

    assert shown.code == 0
    assert "0/0" not in shown.sent
    assert [line.split(maxsplit=1) for line in shown.screen.lines[:2]] == [
        ["older-videos", "nothing to do"],
        ["newer-videos", "nothing to do"],
    ]


def test_an_index_that_fails_says_so_in_its_row(copy: Command) -> None:
    shown = on_terminal(copy, "sync", CONNECTOR_INDEXES=f"{STRANGER},{copy.settings['CONNECTOR_INDEXES']}")

    assert shown.code == 3
    assert re.match(rf"{STRANGER} +not completed$", shown.screen.lines[0])
    assert "index.failed" not in shown.text
    assert "1 index not completed" in shown.text


def test_plan_has_no_counts_of_zero(synced: Command) -> None:
    shown = on_terminal(synced, "plan")

    assert shown.code == 0
    assert re.search(r"\b0 \w", shown.text) is None
    assert [line.strip() for line in shown.screen.lines if line.startswith("  ")] == [
        "4 unchanged",
        "2 requests",
        "10 unchanged",
        "2 requests",
    ]


def test_plan_shows_filenames_beside_ids(tmp_path: Path) -> None:
    with run_in_thread(Scenario(seed=6, indexes=(IndexSpec(name="few", model="marengo3.0", generate=3),))) as simulator:
        index_id = simulator.control.index_ids[0]
        asset_id, *_ = simulator.control.asset_ids(index_id)
        settings = {
            "TWELVELABS_API_KEY": "test-key",
            "TWELVELABS_BASE_URL": simulator.base_url,
            "QDRANT_URL": "embedded",
            "CONNECTOR_INDEXES": index_id,
        }
        command = Command(tmp_path, settings)
        before = {
            it["indexed_asset_id"]: it["filename"] for it in command.run("plan", "--json").json["indexes"][0]["upserts"]
        }
        command.run("sync")
        make_refreshes_due(tmp_path / "data" / "ledger.sqlite3")
        refreshed = on_terminal(command, "plan", width=120, CONNECTOR_REFRESH_INTERVAL="1s")
        simulator.control.delete_asset(index_id, asset_id)
        deleted = on_terminal(command, "plan", width=120)
        withheld = on_terminal(command, "plan", CONNECTOR_MAX_DELETES="0", CONNECTOR_MAX_DELETE_RATIO="0")

    name = f"{asset_id} {before[asset_id]}"
    assert f"refresh  {name} (" in refreshed.text
    assert f"delete   {name} (" in deleted.text
    assert "1 delete\n" in deleted.text
    assert f"withheld {name}" in withheld.text
    assert f"{YELLOW}withheld" in withheld.sent


@pytest.mark.parametrize("width", WIDTHS)
def test_search_wraps_at_words_and_explains_its_score(synced: Command, width: int) -> None:
    shown, piped = on_terminal(synced, "search", "goal", width=width), synced.run("search", "goal")

    assert shown.code == 0
    assert max(map(len, shown.screen.lines)) <= width
    assert " ".join(shown.text.split()) == " ".join(piped.stdout.split()), "no word is broken"
    assert "It orders one list and is not a similarity" in " ".join(shown.text.split())
    assert piped.stdout.index("marengo3.0") < piped.stdout.index("marengo2.7"), "the newest model first"
    assert "newer-videos" in shown.text
