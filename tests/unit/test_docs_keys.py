"""The keys in the documents can be masked: a shorter one would be left in messages, or garble them."""

import re
from pathlib import Path

import pytest

from connector.domain.masking import SHORTEST, hide, masked

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("*compose*.yml"), *ROOT.glob("connector/cli/**/*.py")]
# A value in the clear: no reference to a variable, no placeholder.
KEY = re.compile(r"""(?:TWELVELABS_API_KEY=|api_key="|_KEY = ")([A-Za-z0-9_-]+)(?![\w.]*\.\.\.)""")


def keys() -> set[tuple[str, str]]:
    return {(file.name, key) for file in FILES for key in KEY.findall(file.read_text(encoding="utf-8"))}


def test_documented_keys_are_long_enough_to_be_masked() -> None:
    assert {name for name, _ in keys()} >= {"README.md", "simulator.md", "docker-compose.yml", "simulate.py", "demo.py"}
    assert [(name, key) for name, key in keys() if len(key) < SHORTEST] == []


@pytest.mark.parametrize("key", ["any", "test", "request"])
def test_a_short_key_does_not_garble_an_error_of_the_api(key: str) -> None:
    hide([key])

    message = "TwelveLabs responded 429 too_many_requests (You have sent any test request too often)"
    assert masked(message) == message
