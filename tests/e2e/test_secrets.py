"""Every secret through every failure: none appears on stdout, on stderr, over HTTP, in the log or in a file."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.command import TIMEOUT_SEC, Command, Ended
from tests.e2e.daemon import PATIENCE_SEC, running
from tests.waiting import wait_until

KEYS = {
    "TWELVELABS_API_KEY": "tlk-very'secret/key+1=",
    "QDRANT_API_KEY": 'qdrant"very\\secret%key',
    "CONNECTOR_WEBHOOK_SECRET": "whsec-very secret",
}
PROXY = "http://me:proxy-very%40secret@127.0.0.1:1"
PARTS: tuple[str, ...] = (
    "very'secret",
    "very\\'secret",
    "very%27secret",
    'qdrant"',
    'qdrant\\"',
    "qdrant%22",
    "very secret",
    "very%20secret",
)
PARTS += (
    "very+secret",
    "very%40secret",
    "very@secret",
    "bWU6cHJveHkt",
    "key+1",
    "key%2B1",
    "secret%key",
    "secret%25key",
)
NOWHERE = "http://127.0.0.1:1"


class Echo(BaseHTTPRequestHandler):
    """Refuses every request with a response that quotes all request headers, in several ways."""

    def do_GET(self) -> None:
        said = " ".join(f"{value} {value!r} {value.encode()!r} {quote(value)}" for value in self.headers.values())
        body = json.dumps({"code": "odd", "message": said, "status": {"error": said}}).encode()
        self.send_response(int(self.server.refusal), said.replace("\n", " ")[:60])  # type: ignore[attr-defined]
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815  the same

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=[400, 401])
def echo(request: pytest.FixtureRequest) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.refusal = request.param  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def world() -> Iterator[Simulator]:
    with run_in_thread(Scenario(indexes=(IndexSpec(name="one", generate=1),))) as simulator:
        yield simulator


@pytest.fixture
def secret(tmp_path: Path, world: Simulator) -> Command:
    """Every secret is set, with the trailing line break that a file or a shell may add."""
    return Command(
        tmp_path,
        {
            **{name: f"{value}\n" for name, value in KEYS.items()},
            "TWELVELABS_BASE_URL": world.base_url,
            "QDRANT_URL": NOWHERE,
            "QDRANT_GRPC_PORT": "1",
            "CONNECTOR_INDEXES": world.control.index_ids[0],
            "CONNECTOR_LOG_LEVEL": "debug",
        },
    )


def leaks(connector: Command, *ended: Ended) -> list[str]:
    """The secrets found in any output and in any file."""
    files = [path.read_bytes() for path in connector.directory.rglob("*") if path.is_file()]
    seen = b"\n".join([*files, *((it.stdout + it.stderr).encode(errors="surrogateescape") for it in ended)])
    return [part for part in PARTS if part.encode() in seen]


def test_the_search_for_leaks_would_find_one(secret: Command) -> None:
    (secret.directory / "log").write_text(f"Illegal header value {KEYS['QDRANT_API_KEY'].encode()!r}")

    assert leaks(secret) == ['qdrant"', "secret%key"]


def test_a_line_break_at_the_end_does_no_harm(secret: Command, world: Simulator) -> None:
    ended = secret.run("sync", "--json", QDRANT_URL="embedded")

    assert (ended.code, ended.json["indexes"][0]["upserted"]) == (0, 1)
    assert leaks(secret, ended) == []


@pytest.mark.parametrize("name", KEYS)
def test_a_line_break_inside_is_a_mistake(secret: Command, name: str) -> None:
    ended = secret.run("sync", "--json", **{name: KEYS[name].replace("very", "\nvery")})

    assert (ended.code, ended.json["error"]["code"]) == (2, "config_error")
    assert name in ended.json["error"]["message"]
    assert leaks(secret, ended) == []


@pytest.mark.parametrize("command", ["sync", "check"])
def test_nobody_answers(secret: Command, command: str) -> None:
    ended = secret.run(command, "--json")

    assert ended.code == 3
    assert leaks(secret, ended) == []


def test_a_proxy_that_does_not_answer(secret: Command) -> None:
    ended = secret.run("check", "--json", HTTP_PROXY=PROXY, http_proxy=PROXY, ALL_PROXY=PROXY)

    assert ended.code == 3
    assert leaks(secret, ended) == []


@pytest.mark.parametrize("name", ["QDRANT_URL", "TWELVELABS_BASE_URL", "HTTPS_PROXY"])
def test_an_address_that_is_none(secret: Command, name: str) -> None:
    ended = secret.run("check", "--json", **{name: PROXY.replace("127", "\t127")})

    assert (ended.code, ended.json["error"]["code"]) == (2, "config_error")
    assert name in ended.json["error"]["message"]
    assert leaks(secret, ended) == []


def test_the_other_side_quotes_what_it_was_sent(secret: Command, echo: str) -> None:
    port = echo.rpartition(":")[2]
    ended = [
        secret.run("sync", "--json", QDRANT_URL=echo, QDRANT_GRPC_PORT=port),
        secret.run("sync", TWELVELABS_BASE_URL=f"{echo}/v1.3"),
        secret.run("status", "--json"),
    ]

    assert [it.code for it in ended] == [3, 3, 0]
    assert "[secret]" in ended[0].stdout + ended[1].stdout
    assert leaks(secret, *ended) == []


def test_the_daemon_tells_nobody(secret: Command, echo: str) -> None:
    port = echo.rpartition(":")[2]
    with running(secret, wait=False, QDRANT_URL=echo, QDRANT_GRPC_PORT=port) as daemon:
        wait_until(lambda: "sink" in (daemon.get("/readyz")[1] or {}).get("reasons", {}), PATIENCE_SEC, "it is unready")
        wait_until(
            lambda: bool(daemon.index(secret.settings["CONNECTOR_INDEXES"]).get("last_cycle")),
            PATIENCE_SEC,
            "a cycle failed",
        )
        shown = json.dumps([daemon.get("/readyz"), daemon.get("/api/status")], ensure_ascii=False)
        ended = daemon.stop()

    assert ended.code == 0
    assert leaks(secret, ended, Ended(0, shown, "")) == []


CRASH = """
import sys
from connector.cli import main as cli
from connector.settings.loading import load

@cli.app.command()
def crash(as_json: cli.AsJson = False) -> None:
    settings = cli._settings(None)
    key, password = settings.qdrant_api_key.get_secret_value(), "proxy-very@secret"
    try:
        raise ValueError(f"Illegal header value {key.encode()!r}")
    except ValueError as error:
        raise RuntimeError(f"{key} {password!r} {settings.twelvelabs_api_key.get_secret_value()}") from error

sys.argv[0] = "connector"
cli.main()
"""


@pytest.mark.parametrize("arguments", [["--json"], []])
@pytest.mark.parametrize("style", ["console", "json"])
def test_a_fault_of_the_program_is_told_without_secrets(secret: Command, arguments: list[str], style: str) -> None:
    """One document on stdout, the traceback in the log; without --json, a line that says how to report it."""
    ended = subprocess.run(
        [sys.executable, "-c", CRASH, "crash", *arguments],
        cwd=secret.directory,
        env={
            **secret.settings,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HTTPS_PROXY": PROXY,
            "CONNECTOR_LOG_FORMAT": style,
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SEC,
        check=False,
    )

    found = Ended(ended.returncode, ended.stdout, ended.stderr)
    assert found.code == 3
    assert "command.crashed" in found.stderr
    assert "ValueError" in found.stderr
    assert "settings = " not in found.stderr, "no locals"
    assert leaks(secret, found) == []
    if arguments:
        assert found.json["error"]["code"] == "internal_error"
        assert found.json["error"]["message"].startswith("bug in the connector: RuntimeError: [secret] '[secret]'")
    else:
        assert found.stdout == ""
        assert "Please report it" in found.stderr
