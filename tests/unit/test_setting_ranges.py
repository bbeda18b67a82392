"""Every number and duration has a range, in one table, which the documents repeat."""

import math
import re
from pathlib import Path

import pytest

from connector.settings.connector_settings import Settings
from connector.settings.ranges import RANGES, Range, duration
from tests.unit.settings_place import Place

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text()
DOCUMENTED = dict(re.findall(r"^\| `([A-Z_]+)` \| [^|]* \| (.*) \|$", PAGE, re.MULTILINE))
EXAMPLE = (ROOT / ".env.example").read_text().splitlines()
NUMBERS = {
    name
    for name, field in Settings.model_fields.items()
    if field.annotation in (int, float) or field.annotation == int | None
}
each_range = pytest.mark.parametrize(("name", "span"), RANGES.items())


def test_every_number_has_a_range() -> None:
    assert RANGES.keys() == NUMBERS


@each_range
def test_the_documents_name_the_range(name: str, span: Range) -> None:
    line = next(i for i, text in enumerate(EXAMPLE) if re.match(rf"(# )?{name.upper()}=", text))

    assert f"{span}" in DOCUMENTED[name.upper()]
    assert f"{span}" in EXAMPLE[line - 1]


@each_range
def test_both_ends_are_allowed_and_nothing_beyond(place: Place, name: str, span: Range) -> None:
    step = 1 if isinstance(span.lowest, int) else 0.01
    for text in str(span).split(" to "):
        place.environment(**{name.upper(): text})
        assert getattr(place.load(), name) == span.read(text)
    for number in (span.lowest - step, span.highest + step, 10 * span.highest + 1):
        place.environment(**{name.upper(): f"{number:.2f}" if span.read is duration else str(number)})
        (mistake,) = place.mistakes()
        assert mistake.startswith(f"{name.upper()}: '")
        assert str(span) in mistake


@each_range
@pytest.mark.parametrize("text", ["1e400", "9" * 400, "inf", "nan", "0x10", "--1", "1 2"])
def test_what_is_no_number_is_refused(place: Place, name: str, span: Range, text: str) -> None:
    place.environment(**{name.upper(): text})

    (mistake,) = place.mistakes()

    assert str(span) in mistake


DURATIONS = [name for name, span in RANGES.items() if span.read is duration]
INTERVALS = [
    name for name in DURATIONS if name != "connector_delete_grace"
]  # it may be none, and nothing runs that often


@pytest.mark.parametrize("text", ["99999999999d", "9" * 400 + "d"])
@pytest.mark.parametrize("name", DURATIONS)
def test_a_duration_that_would_overflow(place: Place, name: str, text: str) -> None:
    place.environment(**{name.upper(): text})

    assert len(place.mistakes()) == 1


@pytest.mark.parametrize("name", INTERVALS)
def test_an_interval_that_would_take_the_whole_cpu(place: Place, name: str) -> None:
    place.environment(**{name.upper(): "0.000001s"})

    assert len(place.mistakes()) == 1


def test_ranges_are_finite() -> None:
    assert all(math.isfinite(span.lowest) and math.isfinite(span.highest) for span in RANGES.values())
