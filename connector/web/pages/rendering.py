"""Makes responses of the templates. Everything that is inserted is escaped; a missing value is an error."""

import json
import shlex
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from connector import __version__
from connector.web.pages import formats, links
from connector.web.pages.static_files import static_files, static_url

_HTMX = {
    "allowEval": False,
    "allowScriptTags": False,
    "historyEnabled": False,
    "includeIndicatorStyles": False,
    "selfRequestsOnly": True,
}
"""Keeps to the Content-Security-Policy, and stores nothing in the browser."""

NEVER_STORED = {"Cache-Control": "no-store"}


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("connector.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "version": __version__,
        "htmx_config": json.dumps(_HTMX),
        "static_url": static_url,
        "index_url": links.index_url,
        "asset_url": links.asset_url,
        "time_at": time_at,
        "due_at": due_at,
    }
    made.filters |= {
        "number": formats.number,
        "duration": formats.duration,
        "clock": formats.clock,
        "doing": formats.doing,
        "in_shell": shlex.quote,
        "prose": prose,
        "shortened": formats.shortened,
    }
    return made


def load_templates() -> None:
    """Compile all templates, and read the files that they name."""
    for name in environment().list_templates():
        environment().get_template(name)
    static_files()


def html(template: str, now: float, **values: Any) -> str:
    """Render a template. `now` is seconds since the epoch; times are shown relative to it."""
    return environment().get_template(template).render(now=now, **values)


def page(template: str, now: float, status: int = 200, **values: Any) -> HTMLResponse:
    """A page that extends `base.html`. Proxies and browsers must not store it."""
    # A lone surrogate in a name cannot be encoded.
    body = html(template, now, status=status, **values).encode("utf-8", "replace")
    return HTMLResponse(body, status, NEVER_STORED)


def prose(text: str) -> Markup:
    """Text in which `…` marks code."""
    parts = text.split("`")
    return Markup().join(Markup("<code>{}</code>").format(it) if place % 2 else it for place, it in enumerate(parts))


def due_at(at: str | float | None, now: float) -> Markup:
    """Like `time_at`, for what begins then: it is `due` when the time has come."""
    return _time(at, now, is_start=True)


def time_at(at: str | float | None, now: float) -> Markup:
    """A `<time>` that is relative to `now` and kept so by the page's script; a dash for None or invalid text."""
    return _time(at, now)


def _time(at: str | float | None, now: float, *, is_start: bool = False) -> Markup:
    seconds = None if at is None else formats.seconds_of(at)
    if seconds is None:
        return Markup(formats.NONE)  # noqa: S704  a constant
    shown = "due" if is_start and seconds <= now else formats.relative(seconds, now)
    return Markup('<time datetime="{}" title="{}" data-relative{}>{}</time>').format(
        formats.machine(seconds), formats.exact(seconds), Markup(" data-due") if is_start else "", shown
    )
