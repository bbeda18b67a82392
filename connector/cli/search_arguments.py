"""The options of `connector search`, and how their text is read."""

from typing import Annotated

import typer

from connector.cli.arguments import readable


def gap(value: str | float | None) -> float | None:
    """Seconds. Raises BadParameter."""
    try:
        seconds = None if value is None else float(value)
    except ValueError:
        seconds = -1.0
    if seconds is not None and not 0 <= seconds <= 1e9:  # noqa: PLR2004  longer than any video
        raise typer.BadParameter(f"{value!r} is not a number of seconds: use 0 to join what touches, or 2.5")
    return seconds


Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="KEY=VALUE",
        help="Only where this payload or metadata key has this value; repeatable. The same key twice means either "
        "value. Bounds: 'KEY>=VALUE', 'KEY<VALUE'.",
        callback=readable,
    ),
]
After = Annotated[
    str | None,
    typer.Option("--after", metavar="DATE", help="Only videos created at this time or later.", callback=readable),
]
Before = Annotated[
    str | None, typer.Option("--before", metavar="DATE", help="Only videos created before this.", callback=readable)
]
OptionNames = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME",
        help="Only this embedding option, such as visual, audio or transcription, or transcript-bm25 for the words; "
        "repeatable.",
        callback=readable,
    ),
]
Group = Annotated[bool, typer.Option("--group", help="Only the best moment of each video.")]
Merge = Annotated[
    float | None,
    typer.Option(
        "--merge",
        metavar="SECONDS",
        parser=gap,
        help="Join near segments of a video that are at most so far apart into one moment; 0 joins what touches.",
    ),
]
Similar = Annotated[
    str | None,
    typer.Option(
        "--similar",
        metavar="INDEX/ASSET@SECONDS",
        help="Instead of a text: moments like the one of this asset at this second.",
        callback=readable,
    ),
]
