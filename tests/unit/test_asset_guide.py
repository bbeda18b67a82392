"""What a page says about the state of an asset, and that its commands can be pasted into a shell."""

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.asset_situation import Situation
from connector.web.pages.asset_guide import command, drop, guide, retry


def document(state: Situation, status: str = "ready", **ids: str) -> dict[str, Any]:
    return {"state": state.value, "index_id": "index-1", "indexed_asset_id": "a", "listed": {"status": status}, **ids}


@pytest.mark.parametrize("state", Situation)
def test_every_state_has_words(state: Situation) -> None:
    found = guide(document(state))

    assert found.label
    assert found.tone
    assert found.meaning.endswith(".")


@pytest.mark.parametrize(
    ("state", "commands"),
    [
        (Situation.APPLIED, ["connector verify --index index-1"]),
        (Situation.IN_PROGRESS, []),
        (Situation.BACKLOG, []),
        (Situation.WAITING, []),
        (Situation.FAILED, ["connector sync --index index-1"]),
        (Situation.DEFERRED, ["connector sync --index index-1"]),
        (Situation.OPENED, ["connector sync --index index-1"]),
        (
            Situation.QUARANTINED,
            ["connector quarantine retry --index index-1 a", "connector quarantine drop --index index-1 a"],
        ),
        (Situation.PENDING, ["connector plan --index index-1"]),
        (
            Situation.WITHHELD,
            ["connector plan --index index-1", "connector sync --index index-1 --allow-deletes"],
        ),
    ],
)
def test_the_exact_commands(state: Situation, commands: list[str]) -> None:
    assert [step.command for step in guide(document(state)).steps] == commands


def test_an_asset_that_the_source_could_not_index_does_not_wait_for_it() -> None:
    assert "failed" in guide(document(Situation.WAITING, "failed")).meaning
    assert "failed" not in guide(document(Situation.WAITING, "indexing")).meaning
    assert guide({**document(Situation.WAITING), "listed": None}).label == "Waiting at the source"


@given(st.text(min_size=1).filter(str.isprintable))
def test_a_command_names_exactly_this_asset(name: str) -> None:
    for what, line in (("retry", retry("index-1", name)), ("drop", drop("index-1", name))):
        assert line is not None
        *words, last = shlex.split(line)
        assert last == name
        assert words == ["connector", "quarantine", what, "--index", "index-1", *(["--"] if name[0] == "-" else [])]


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "a\u202eb", "\ud800"])
def test_there_is_no_command_with_characters_that_a_terminal_interprets(name: str) -> None:
    assert retry("index-1", name) is None
    assert drop(name, "a") is None
    assert command("sync", name) is None
    steps = guide(document(Situation.QUARANTINED, indexed_asset_id=name)).steps
    assert [step.command for step in steps] == [None, None]
