"""The container engine, through its command line."""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STAGE = "python:3.13-slim-trixie"
MARKER = "tlk_planted_where_no_image_looks"
PLANTED = (".env", "secrets/twelvelabs_api_key", "data/ledger.sqlite3", "connector/__pycache__/planted.pyc", ".cache/x")
CI_TOOL = ROOT.parent / "shared" / "tools" / "container-engine" / "up.sh"

_KEPT = ("PATH", "HOME", "LANG", "DOCKER_HOST", "DOCKER_CONFIG", "XDG_RUNTIME_DIR")
_COMMAND_SEC = 240
_RUNC_FAILED = "waiting for init preliminary setup"
"""runc could not begin to start a container. It is rare, and has nothing to do with what would have run in it."""


def docker(*arguments: str | Path, ok: bool = True, environment: Mapping[str, str] | None = None) -> str:
    """The stdout and stderr of the ended command. With `ok`, a failure raises AssertionError with the whole output."""
    ended = _run(arguments, environment or {})
    if _RUNC_FAILED in ended.stdout:
        ended = _run(arguments, environment or {})
    said = f"docker {' '.join(map(str, arguments))} ended with {ended.returncode}\n{ended.stdout}"
    assert not ok or ended.returncode == 0, said
    return ended.stdout if ok else said


def _run(arguments: Sequence[str | Path], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", *arguments],  # noqa: S607  the one in PATH, as users call it
        cwd=ROOT,
        env=environment_of(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_COMMAND_SEC,
        check=False,
    )


def environment_of(given: Mapping[str, str]) -> dict[str, str]:
    """The variables that the engine's command needs, and none that a compose file could read as a setting."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | dict(given)


def missing_engine() -> str | None:
    """Why no engine can be used; None if one answers."""
    if shutil.which("docker") is None:
        return "no container engine: there is no docker command"
    said = docker("info", ok=False)
    return None if "Server Version" in said else f"no container engine: {said[-500:]}"


def must_have_engine() -> bool:
    """CI has an engine if DOCKER_HOST names one, or if the job can start one."""
    return os.environ.get("CI") == "true" and ("DOCKER_HOST" in os.environ or CI_TOOL.exists())


def clean_checkout(target: Path) -> Path:
    """The files of a clone, including uncommitted work, plus files that must stay out of an image."""
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
    """The JSON response, whatever its status: /readyz answers 503 with reasons."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data)  # noqa: S310  loopback only
    try:
        with urllib.request.urlopen(request, timeout=100) as answer:  # noqa: S310  the same
            return json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return json.loads(refused.read())
