"""The files that the pages load: vendored ones unchanged and licensed, small in total, in the wheel."""

import hashlib
import re
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from connector.web.pages.static_files import static_files, static_url

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "connector/web/pages"
STATIC = PAGES / "static"
VENDOR = STATIC / "vendor"
LISTED = [line.split("  ") for line in (VENDOR / "VENDORED").read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("sha256", "name", "package", "licence"), LISTED, ids=[name for _, name, _, _ in LISTED])
def test_a_vendored_file_is_as_published_and_has_its_licence(
    sha256: str, name: str, package: str, licence: str
) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sha256
    assert re.fullmatch(r"[\w.-]+ \d+\.\d+\.\d+", package)
    assert re.search("permission", (VENDOR / licence).read_text(), re.IGNORECASE)


def test_every_vendored_file_is_listed() -> None:
    listed = {name for _, name, _, licence in LISTED} | {licence for *_, licence in LISTED}

    assert {it.name for it in VENDOR.iterdir()} == listed | {"VENDORED"}


def test_files_of_known_types_are_served_and_no_others() -> None:
    served = {it.name for it in STATIC.rglob("*") if it.suffix in {".css", ".js", ".svg"}}

    assert static_files().keys() == served
    assert {"page.css", "page.js", "htmx.min.js", "icon.svg"} <= served


def test_an_address_changes_with_the_content() -> None:
    assert re.fullmatch(r"/static/[0-9a-f]{16}/page\.css", static_url("page.css"))
    assert len({it.digest for it in static_files().values()}) == len(static_files())
    with pytest.raises(KeyError):
        static_url("nothing.css")


def test_own_scripts_and_styles_load_nothing_from_elsewhere() -> None:
    own = [it for it in STATIC.iterdir() if it.is_file()]

    assert own
    assert [it.name for it in own if re.search(r"https?://(?!www\.w3\.org/)|@import|url\(", it.read_text())] == []


def test_the_wheel_has_the_templates_and_the_files() -> None:
    builder = WheelBuilder(str(ROOT))
    packed = {it.distribution_path for it in builder.recurse_included_files()}
    needed = {str(it.relative_to(ROOT)) for it in PAGES.rglob("*") if it.suffix in {".html", ".css", ".js", ".svg"}}

    assert len(needed) > 10
    assert needed - packed == set()
