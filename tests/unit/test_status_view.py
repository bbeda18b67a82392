"""What `connector status` shows of a document, on terminals of every width and elsewhere."""

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, Group
from rich.text import Text

from connector.cli import output
from connector.cli.status_view import status_view
from tests.unit.status_documents import NOW, document, index, live, troubled

WIDTHS = (40, 60, 79, 80, 99, 100, 125, 126, 159, 160, 220)
FULL_BLOCK = "\N{FULL BLOCK}"


def shown(it: dict[str, Any], width: int = 80, *, terminal: bool = True, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    console = Console(
        file=file, width=width, force_terminal=terminal, no_color=True, theme=output._MEANINGS, highlight=False
    )
    console.print(Group(*status_view(it, console, NOW if terminal else None)))
    file.seek(0)
    return re.sub(r"\x1b\[[0-9;]*m", "", file.read())


def row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(name))


FIVE = document(
    troubled(),
    index(),
    index(3, index_name="a very long name of an index that does not fit anywhere " * 2),
    index(4, index_name="\N{CLAPPER BOARD} 会議 [red]\x1b[2J"),
    daemon={
        index()["index_id"]: live(),
        troubled()["index_id"]: live("full cycle", planned=300, done=120),
        index(5)["index_id"]: live("starting"),
    },
)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal_and_no_fact_is_lost(width: int) -> None:
    text = shown(FIVE, width)
    words = " ".join(text.split())

    assert max(Text(line).cell_len for line in text.splitlines()) <= width
    for fact in (
        "The daemon is running (process 4711).",
        "9,812/10,000",
        "480,000 points",
        "20 fresh, 160 backlog",
        "120 of 300 changes done",
        "120.5 a minute",
        "worst of the last hour 14 s",
        "2 deletes withheld: 2 deletes exceed the limit of 1",
        "gone.mp4",
        "sync --allow-deletes",
        "Re-index it in TwelveLabs",
        "next attempt 2025-11-29T22:20:00.000Z",
        "connector quarantine retry --index 66aa00000000000000000002",
        "pending-1: gone since 2025-11-29T21:00:00.000Z",
        "poll in 42 s",
        "66aa00000000000000000005",
        "done in 3.2 s",
    ):
        assert fact in words or fact in text.replace("\n", ""), fact


@pytest.mark.parametrize("width", [80, 126, 160])
def test_an_index_has_one_row(width: int) -> None:
    text = shown(FIVE, width)
    troubled_row, calm_row = row(text, "sports-2"), row(text, "sports-1")

    assert [line for line in text.splitlines() if line.startswith("INDEX")]
    assert "180" not in calm_row
    assert "184" in troubled_row, "what was started and not finished is retrieved again"
    assert ("4" if width < 160 else "1") in troubled_row.split()
    assert "full cycle 40 %" in troubled_row
    assert (width >= 160) == ("QUARANTINED" in text)


def test_other_output_is_complete_and_has_times_instead_of_countdowns() -> None:
    text = shown(FIVE, 10_000, terminal=False)

    assert [word for word in text.split() if word in {"QUARANTINED", "WITHHELD"}] == ["QUARANTINED", "WITHHELD"]
    assert "poll at 2025-11-29T22:10:42.000Z" in row(text, "sports-1")
    assert " in 42 s" not in text
    assert "a very long name of an index that does not fit anywhere " * 2 in text
    assert "\x1b" not in text
    assert FULL_BLOCK not in text


@pytest.mark.parametrize("width", [40, 80, 160])
def test_the_bar_can_be_read_without_colours_and_in_ascii(width: int) -> None:
    unicode, ascii_only = shown(document(troubled()), width), shown(document(troubled()), width, encoding="ascii")

    for glyph in ("\N{FULL BLOCK}", "\N{MEDIUM SHADE}", "\N{LIGHT SHADE}", "!", "\N{MULTIPLICATION SIGN}"):
        assert glyph in unicode
    assert re.search(r"#+=\.!x", ascii_only)
    assert ascii_only.isascii()


def test_an_index_that_needs_attention_is_explained_first() -> None:
    text = shown(document(index(), troubled()))

    assert text.index("sports-1") < text.index("sports-2"), "the table keeps its order"
    assert text.index("sports-2 (") < text.index("sports-1 (")


def test_the_throughput_is_told_with_the_backlog_or_alone() -> None:
    assert "about 90 s at 120.5 a minute" in shown(document(troubled()))
    assert "  throughput: 3.5 assets a minute" in shown(document(index(assets_per_minute=3.5)))
    assert "minute" not in shown(document(index()))


def test_an_index_that_fails_says_so_in_its_row_and_below_with_what_to_do() -> None:
    error = {"code": "authentication_failed", "message": "list assets: the key is invalid. Check TWELVELABS_API_KEY"}
    failed = index(last_cycle={**index()["last_cycle"], "error": error}, last_success_at=None)

    beside = shown(document(failed, daemon={failed["index_id"]: live(error=error)}), 160)
    without = shown(document(failed), 160)

    assert row(beside, "sports-1").endswith("failing")
    assert beside.count("the key is invalid") == 1
    assert "  failing: list assets: the key is invalid. Check TWELVELABS_API_KEY" in beside
    assert row(without, "sports-1").endswith("failed")
    assert "  last success: never" in without


def test_a_daemon_that_is_not_ready_says_why() -> None:
    text = shown(document(index(), daemon={}, not_ready={"sink": "Qdrant is down"}, limited_by="sink"), 160)

    assert text.splitlines()[1:3] == [
        "  what takes most of the time: the responses of Qdrant",
        "  not ready, sink: Qdrant is down",
    ]


def test_a_daemon_of_a_later_release_may_say_more() -> None:
    text = shown(document(daemon={"x": live("something new")}, limited_by="the moon", state="dreaming"))

    assert "The daemon is dreaming" in text
    assert "the moon" in text
    assert "something new" in text


def test_before_the_first_sync_it_says_what_to_run() -> None:
    assert "run `connector sync` or `connector run`" in shown(document())
    assert "No daemon is running." in shown(document(index()))


@given(st.integers(20, 200), st.lists(st.text(max_size=60), min_size=1, max_size=4), st.integers(0, 10**9))
def test_every_name_and_count_fits(width: int, names: list[str], count: int) -> None:
    indexes = [index(n, index_name=name, assets=count, applied=count) for n, name in enumerate(names)]

    text = shown(document(*indexes, daemon={}), width)

    assert max(Text(line).cell_len for line in text.split("\n")) <= width
