"""Which format a scrape gets, whatever its Accept header says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from connector.telemetry.exposition import OPENMETRICS_TYPE, TEXT_TYPE, exposition, prefers_openmetrics
from tests.scraped import read

PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text ; Q=1", True),
        ("", False),
        ("*/*", False),
        ("text/html, application/xhtml+xml", False),
        ("text/plain, application/openmetrics-text", False),
        ("text/plain;q=0.9, application/openmetrics-text;q=0.8", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=x", True),
        (";;,=;q=,", False),
    ],
)
def test_the_client_gets_what_it_prefers(accept: str, openmetrics: bool) -> None:
    assert prefers_openmetrics(accept) is openmetrics


@given(st.text(max_size=60) | st.text(";,=q.0123456789/*+- nainf", max_size=60))
def test_any_header_is_answered(accept: str) -> None:
    body, content_type = exposition(CollectorRegistry(), accept)

    assert content_type in (OPENMETRICS_TYPE, TEXT_TYPE)
    assert body in (b"", b"# EOF\n")


def test_both_formats_say_the_same() -> None:
    registry = CollectorRegistry()
    Counter("cats", "Cats seen.", ["colour"], registry=registry).labels('grey "\\\n').inc(3)

    text = read(exposition(registry, "text/plain")[0].decode())
    openmetrics = exposition(registry, PROMETHEUS_3)[0].decode()
    [family] = text_string_to_metric_families(openmetrics)  # type: ignore[no-untyped-call]

    assert text.value("cats_total", colour='grey "\\\n') == 3
    assert [(it.labels, it.value) for it in family.samples if it.name == "cats_total"] == [
        ({"colour": 'grey "\\\n'}, 3)
    ]
