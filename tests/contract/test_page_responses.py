"""The frame of the status page over HTTP: headers, files and their caching, errors, nothing inline."""

import re
from collections.abc import AsyncIterator

import pytest

from connector.web.pages.static_files import static_files, static_url
from connector.web.response_headers import SECURITY_HEADERS
from tests.contract.page_site import PageSite, inline, page_site


@pytest.fixture
async def place() -> AsyncIterator[PageSite]:
    async with page_site() as place:
        yield place


@pytest.mark.parametrize("path", ["/", "/nothing", "/livez", "/api/status?limit=x", static_url("page.css")])
async def test_every_response_forbids_what_a_page_does_not_need(place: PageSite, path: str) -> None:
    answer = await place.http.get(path)

    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    policy = answer.headers["Content-Security-Policy"]
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert not re.search(r"unsafe|\*|data:|https?:", policy)


async def test_a_page_is_stored_nowhere_and_has_nothing_inline(place: PageSite) -> None:
    answer = await place.http.get("/")

    assert answer.headers["Cache-Control"] == "no-store"
    assert not answer.headers.get_list("Set-Cookie")
    assert inline(answer.text) == []


@pytest.mark.parametrize("text", ["<script>x</script>", '<p style="x">', "<p onclick=x>", '<a href="javascript:x">'])
def test_what_is_inline_would_be_found(text: str) -> None:
    assert inline(f"<div>{text}</div>")


async def test_a_page_names_its_language_its_title_and_a_way_to_its_content(place: PageSite) -> None:
    text = await place.page("/")

    assert '<html lang="en">' in text
    assert re.search(r"<title>[^<]+ · Connector</title>", text)
    assert '<a class="skip" href="#main">' in text
    assert len(re.findall(r"<main ", text)) == len(re.findall(r"<h1\W", text)) == 1


async def test_every_file_that_a_page_names_is_there(place: PageSite) -> None:
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', await place.page("/"))

    assert len(named) >= 4
    assert [path for path in named if (await place.http.get(path)).status_code != 200] == []


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("page.css", "text/css; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("htmx.min.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
async def test_a_file_has_its_type_and_is_kept_for_ever(place: PageSite, name: str, media_type: str) -> None:
    answer = await place.http.get(static_url(name))

    assert answer.content == static_files()[name].content
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = await place.http.get(static_url(name), headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_page_of_an_earlier_release_gets_the_current_file_without_keeping_it(place: PageSite) -> None:
    answer = await place.http.get("/static/0000000000000000/page.css")

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert answer.content == static_files()["page.css"].content


@pytest.mark.parametrize("name", ["nothing.css", "VENDORED", "..%2Fpage.css", "%2e%2e%2ftemplates%2fbase.html", ""])
async def test_other_files_are_not_served(place: PageSite, name: str) -> None:
    assert (await place.http.get(f"/static/0/{name}")).status_code == 404


@pytest.mark.parametrize("path", ["/nothing", "/<script>alert(1)</script>", "/index.html"])
async def test_an_unknown_address_gets_a_page_that_says_so(place: PageSite, path: str) -> None:
    text = await place.page(path, 404)

    assert "Not found" in text
    assert "alert(1)" not in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_pages_change_nothing(place: PageSite, method: str) -> None:
    assert (await place.http.request(method, "/")).status_code == 405
