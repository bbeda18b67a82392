"""CONTRIBUTING.md and SECURITY.md name only things that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "SECURITY.md")}
CONTRIBUTING = PAGES["CONTRIBUTING.md"]


def test_every_test_folder_has_a_row() -> None:
    documented = set(re.findall(r"^\| `(tests/\w+)` \|", CONTRIBUTING, re.MULTILINE))
    folders = {f"tests/{test.parent.name}" for test in ROOT.glob("tests/*/test_*.py")}

    assert documented == folders


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`", CONTRIBUTING))

    assert named
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_lead_somewhere(page: str) -> None:
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]) if "://" not in link}
    paths = set(re.findall(r"`((?:tests|connector|docs)/[\w/.]+)`", PAGES[page]))

    assert links
    assert [name for name in links | paths if not (ROOT / name).exists()] == []
