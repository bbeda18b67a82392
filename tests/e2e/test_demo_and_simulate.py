"""`connector demo` and `connector simulate` from outside: they need neither settings nor a server."""

import html
import json
import re
import signal
import socket
from pathlib import Path

import pytest

from docs.images import demo
from tests.command import Command, end
from tests.e2e.oracle import raw


@pytest.fixture
def bare(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_demo_shows_a_newcomer_the_whole_job(bare: Command) -> None:
    """It needs no settings, and invalid ones do not matter."""
    ended = bare.run("demo", CONNECTOR_INDEXES="?", QDRANT_URL="nonsense", COLUMNS=str(demo.WIDTH))

    assert ended.code == 0, ended.stderr
    steps = ended.stdout.split("\n\n")
    assert [step.lstrip()[:2] for step in steps[:-1]] == [f"{number}." for number in range(1, 7)]
    assert "8 listed, 8 upserted" in steps[1]
    assert all(key in steps[2] for key in ("visual (512)", '"start_offset_sec"', '"user_metadata"', '"revision"'))
    assert "cup-final-highlights.mp4  0:12.8" in steps[3]
    assert "1 upserted, 1 refreshed, 1 deleted" in steps[4]
    assert steps[5].count(" 0 points written") == 2
    assert "connector check" in steps[-1]
    assert not list(bare.directory.iterdir())
    assert pictured() == without_spaces("".join(demo.excerpt(ended.stdout))), "draw it again: make images"


def pictured() -> str:
    """The text of the README's picture of the demo, line by line."""
    picture = demo.PICTURE.read_text(encoding="utf-8")
    matrix = picture[picture.index('class="demo-matrix"') :]
    return without_spaces(html.unescape("".join(re.findall(r"<text[^>]*>([^<]*)</text>", matrix))))


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


def served(bare: Command, *arguments: str) -> tuple[str, list[str]]:
    """The first line that it prints, and the ids of the indexes that it serves until SIGTERM, oldest first."""
    process = bare.start("simulate", "--port", "0", "--assets", "3", *arguments)
    line = process.stdout.readline() if process.stdout else ""
    address = re.search(r"http://127\.0\.0\.1:\d+/v1\.3", line)
    indexes = raw(address[0], "/indexes?sort_option=asc")["data"] if address else []
    process.send_signal(signal.SIGTERM)
    ended = end(process)
    assert (ended.code, ended.stderr) == (0, "")
    return line, [index["_id"] for index in indexes]


def test_simulate_first_prints_its_address_and_its_indexes(bare: Command) -> None:
    line, ids = served(bare)

    assert len(ids) == 2
    assert line.split()[1:] == ids


def test_simulate_prints_them_as_json(bare: Command) -> None:
    line, ids = served(bare, "--json")

    assert json.loads(line).keys() == {"base_url", "index_ids", "control_url"}
    assert json.loads(line)["index_ids"] == ids


def test_the_key_in_the_example_is_the_one_that_simulate_accepts(bare: Command) -> None:
    process = bare.start("simulate", "--port", "0", "--assets", "3", "--api-key", "another key")
    assert process.stdout
    example = next(line for line in process.stdout if "connector sync" in line)
    process.send_signal(signal.SIGTERM)
    end(process)

    assert "TWELVELABS_API_KEY='another key' " in example


def test_simulate_on_a_port_in_use(bare: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = bare.run("simulate", "--port", str(port))

    assert (ended.code, ended.stdout) == (2, "")
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "choose another host or port" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("scenario_file", "arguments", "named"),
    [
        ('[[indexes]]\nname = "a"\nmodel = "marengo9"\n', (), "marengo9"),
        ("[[indexes]\n", (), "cannot be read"),
        ('[[indexes]]\nname = "a"\n', ("--assets", "3"), "--assets"),
        (None, (), "scenario.toml"),
    ],
)
def test_simulate_with_a_bad_scenario(
    bare: Command, scenario_file: str | None, arguments: tuple[str, ...], named: str
) -> None:
    if scenario_file is not None:
        (bare.directory / "scenario.toml").write_text(scenario_file)

    ended = bare.run("simulate", "--scenario", "scenario.toml", "--port", "0", *arguments)

    assert (ended.code, ended.stdout) == (2, "")
    assert named in ended.stderr
    assert "Traceback" not in ended.stderr
