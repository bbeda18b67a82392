"""Every error code of the runbook, and every reason of /readyz, has words that an operator understands."""

import re
from pathlib import Path

from connector.web.pages.advice import ADVICE, NOT_READY, advice_on, not_ready

RUNBOOK = (Path(__file__).parents[2] / "docs/runbook.md").read_text(encoding="utf-8")


def test_every_code_of_the_runbook_has_advice_and_no_other() -> None:
    section = RUNBOOK.partition("## Error codes")[2].partition("\n## ")[0]

    assert set(re.findall(r"^### `(\w+)`$", section, re.MULTILINE)) == ADVICE.keys()


def test_words_are_short_sentences() -> None:
    every = [*ADVICE.values(), *NOT_READY.values()]

    assert [it.what for it in every if it.what.endswith(".") or len(it.what) > 80] == []
    assert [it.do for it in every if not it.do.endswith(".")] == []


def test_what_is_unknown_has_advice_too() -> None:
    assert "runbook" in advice_on("new_code").do
    assert "runbook" in advice_on(None).do
    assert not_ready("moon").what == "moon cannot be used"
