"""The container engine, through its command."""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MARKER = "tlk_planted_where_no_image_looks"
PLANTED = (".env", "secrets/twelvelabs_api_key", "data/ledger.sqlite3", "connector/__pycache__/planted.pyc", ".cache/x")
CI_TOOL = ROOT.parent / "shared" / "tools" / "container-engine" / "up.sh"

_KEPT = ("PATH", "HOME", "LANG", "DOCKER_HOST", "DOCKER_CONFIG", "XDG_RUNTIME_DIR")
_COMMAND_SEC = 240


def docker(*arguments: str | Path, ok: bool = True, environment: Mapping[str, str] | None = None) -> str:
    """Stdout and stderr of the ended command; with `ok`, one that fails raises AssertionError with all it said."""
    ended = subprocess.run(
        ["docker", *arguments],  # noqa: S607  the one in PATH, as users call it
        cwd=ROOT,
        env=environment_of(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_COMMAND_SEC,
        check=False,
    )
    said = f"docker {' '.join(map(str, arguments))} ended with {ended.returncode}\n{ended.stdout}"
    assert not ok or ended.returncode == 0, said
    return ended.stdout if ok else said


def environment_of(given: Mapping[str, str]) -> dict[str, str]:
    """What the engine's command needs of ours, and nothing that a compose file could take for a setting."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | dict(given)


def missing_engine() -> str | None:
    """Why there is no engine to test with; None when one answers."""
    if shutil.which("docker") is None:
        return "no container engine: there is no docker command"
    said = docker("info", ok=False)
    return None if "Server Version" in said else f"no container engine: {said[-500:]}"


def must_have_engine() -> bool:
    """CI has one where it was told of one, or where it can start one."""
    return os.environ.get("CI") == "true" and ("DOCKER_HOST" in os.environ or CI_TOOL.exists())


def clean_checkout(target: Path) -> Path:
    """What a clone would hold, work in progress included; and beside it what must stay out of an image."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607  the one in PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, target / file)
    for name in PLANTED:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(MARKER, encoding="utf-8")
    return target


def inspect(kind: str, name: str) -> Any:
    return json.loads(docker(kind, "inspect", name))[0]


def ask(url: str, body: Mapping[str, Any] | None = None) -> Any:
    """The JSON answer of any status: /readyz answers 503 with reasons."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data)  # noqa: S310  loopback only
    try:
        with urllib.request.urlopen(request, timeout=100) as answer:  # noqa: S310  the same
            return json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return json.loads(refused.read())
