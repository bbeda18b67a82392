"""`connector mcp` as a process: its streams, its ends, and its command line."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.command import TIMEOUT_SEC, Process, end, interrupt
from tests.e2e.agents import answer
from tests.e2e.search_world import CAPTIONS, SearchWorld, search_world
from tests.fork_server import ROOT

ANY_ADDRESS = "0.0.0.0"  # noqa: S104  refused


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("agents"), embedded=False) as running:
        yield running


def request(number: int, method: str, **params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"


HELLO = request(
    1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "test", "version": "1"}
)


def started(world: SearchWorld) -> Process:
    """With pipes, after the first answer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "connector", "mcp"],
        cwd=world.connector.directory,
        env={**world.connector.settings, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    send(process, HELLO)
    assert process.stdout
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "twelvelabs-qdrant-connector"
    return process


def send(process: Process, *lines: str) -> None:
    assert process.stdin
    process.stdin.write("".join(lines))
    process.stdin.flush()


async def test_the_tools_over_stdio(world: SearchWorld) -> None:
    """The status of the ledger, too: nobody else reads it here."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "connector", "mcp", "--link-template", "https://play.example/{asset_id}?t={start_sec}"],
        env={**world.connector.settings, "PYTHONPATH": str(ROOT)},
        cwd=world.connector.directory,
    )
    async with Client(stdio_client(server)) as client:
        found = await answer(client, "search_moments", text=CAPTIONS[2], limit=1)
        coverage = await answer(client, "coverage")

    assert found["moments"][0]["transcript"] == CAPTIONS[2]
    assert found["moments"][0]["link"].startswith("https://play.example/")
    assert (coverage["source"], len(coverage["indexes"])) == ("ledger", 2)


def test_a_signal_ends_it_while_it_waits_for_input(world: SearchWorld) -> None:
    process = started(world)
    interrupt(process)
    ended = end(process)

    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")


def test_a_signal_ends_it_while_nobody_reads_its_answers(world: SearchWorld) -> None:
    process = started(world)
    send(process, *(request(number, "tools/list") for number in range(2, 42)))
    assert process.stdout
    process.stdout.readline()
    process.terminate()

    assert process.wait(TIMEOUT_SEC) == 0
    assert end(process).stderr == ""


def test_the_end_of_its_input_ends_it_after_the_last_answer(world: SearchWorld) -> None:
    """Stray lines do no harm."""
    process = started(world)
    long = "x" * 5_000_000
    send(process, "no json\n", f"{long}\n", request(2, "tools/call", name="list_indexes"), request(3, "no/method"))
    ended = end(process)

    answers = {message["id"]: message for message in map(json.loads, ended.stdout.splitlines())}
    assert len(answers[2]["result"]["structuredContent"]["indexes"]) == 2
    assert answers[3]["error"]["code"] == -32601
    assert (ended.code, "Traceback" in ended.stderr) == (0, False)


def test_a_closed_output_ends_it(world: SearchWorld) -> None:
    process = started(world)
    assert process.stdout
    process.stdout.close()
    send(process, request(2, "tools/list"))

    assert process.wait(TIMEOUT_SEC) == 0
    assert process.stderr
    assert process.stderr.read() == ""
    for stream in (process.stdin, process.stderr):
        assert stream
        stream.close()


def test_http_says_where_it_listens_and_ends_on_a_signal(world: SearchWorld) -> None:
    process = world.connector.start("mcp", "--http", "--port", "0")
    assert process.stderr
    ready = json.loads(process.stderr.readline())
    process.terminate()
    ended = end(process)

    assert ready["event"] == "mcp.listening"
    assert ready["url"].startswith("http://127.0.0.1:")
    assert (ended.code, ended.stdout) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "80"], "--host and --port need --http"),
        (["--http", "--host", ANY_ADDRESS], "Set CONNECTOR_HTTP_TOKEN, or use --host 127.0.0.1"),
        (["--http", "--host", "203.0.113.1"], "Set CONNECTOR_HTTP_TOKEN"),
        (["--link-template", "/watch/{video}"], "it has the unknown placeholder {video}"),
    ],
)
def test_a_wrong_command_line(world: SearchWorld, arguments: list[str], says: str) -> None:
    ended = world.connector.run("mcp", *arguments)

    assert ended.code == 2
    assert says in ended.stderr


def test_without_the_package_it_says_how_to_install_it(world: SearchWorld, tmp_path: Path) -> None:
    (tmp_path / "mcp.py").write_text("raise ModuleNotFoundError('No module named mcp', name='mcp')\n", encoding="utf-8")
    ended = world.connector.run("mcp", PYTHONPATH=f"{tmp_path}:{ROOT}")

    assert ended.code == 2
    assert "pip install 'twelvelabs-qdrant-connector[mcp]'" in ended.stderr
