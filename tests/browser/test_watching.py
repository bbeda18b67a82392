"""The checks of the browser tests can fail: console, scripts, policy, requests, accessibility, width."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.accessibility import overflow, violations
from tests.browser.chromium import opened

POLICY = "default-src 'self'; script-src 'self'; style-src 'unsafe-inline'"
PAGES = {
    "/good": "<html lang=en><title>Good</title><main><h1>Good</h1></main>",
    "/console": "<html lang=en><title>x</title><main><h1>x</h1></main><script src=/console.js></script>",
    "/console.js": "console.error('it broke')",
    "/script": "<html lang=en><title>x</title><main><h1>x</h1></main><script src=/script.js></script>",
    "/script.js": "throw new Error('it crashed')",
    "/policy": "<html lang=en><title>x</title><main><h1>x</h1></main><script>1</script>",
    "/missing": "<html lang=en><title>x</title><main><h1>x</h1><img src=/none.png alt=none></main>",
    "/foreign": "<html lang=en><title>x</title><main><h1>x</h1><img src=http://127.0.0.1:9/x.png alt=none></main>",
    "/unlabelled": "<html lang=en><title>x</title><style>@media (prefers-color-scheme: dark) { h1 { color: #ddd } }"
    "</style><main><h1>Pale</h1><input></main>",
    "/wide": "<html lang=en><title>x</title><main><h1>x</h1><pre>" + "wide " * 400 + "</pre></main>",
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = PAGES.get(self.path, "").encode()
        self.send_response(200 if body or self.path == "/favicon.ico" else 404)
        self.send_header("content-type", "text/javascript" if self.path.endswith(".js") else "text/html")
        self.send_header("content-security-policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/good", None),
        ("/console", "it broke"),
        ("/script", "it crashed"),
        ("/policy", "Content Security Policy"),
        ("/missing", "404"),
        ("/foreign", "Content Security Policy"),
    ],
)
def test_what_goes_wrong_in_a_page_is_found(browser: Browser, site: str, path: str, error: str | None) -> None:
    with opened(browser) as (page, watch):
        page.goto(f"{site}{path}", wait_until="networkidle")

    assert (error is None) == (watch.unexpected() == [])
    assert error is None or error in watch.unexpected()[0]


def test_what_is_not_accessible_is_found(browser: Browser, site: str) -> None:
    with opened(browser) as (page, _):
        page.goto(f"{site}/good")
        good = violations(page)
        page.goto(f"{site}/unlabelled")
        bad = violations(page)

    assert good == {}
    assert bad == {
        "light": ["label (critical): input"],
        "dark": ["color-contrast (serious): h1", "label (critical): input"],
    }


def test_a_page_that_scrolls_sideways_is_found(browser: Browser, site: str) -> None:
    with opened(browser, width=360) as (page, _):
        page.goto(f"{site}/good")
        fits = overflow(page)
        page.goto(f"{site}/wide")

        assert fits == 0 < overflow(page)
