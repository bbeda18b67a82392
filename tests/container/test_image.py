"""The image without compose: its content and its behaviour."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from connector import __version__
from tests.container.engine import MARKER, ROOT, STAGE, docker, inspect

pytestmark = pytest.mark.timeout(400)

OURS = ("/opt/connector", "/etc/connector", "/data")
HARDENED = ("--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none")
LARGEST_MB = 185


def files(image: str) -> list[str]:
    """All files that the image adds to its base."""
    return docker("run", *HARDENED, "--entrypoint", "find", image, *OURS).splitlines()


def test_every_stage_starts_from_the_same_image_that_can_be_chosen_and_none_is_fetched_for_the_syntax() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()

    assert [line.split()[1] for line in lines if line.startswith("FROM")] == ["${IMAGE_PYTHON}"] * 2
    assert [line for line in lines if line.startswith("ARG IMAGE")] == [f"ARG IMAGE_PYTHON={STAGE}"]
    assert not [line for line in lines if re.match(r"#\s*syntax\s*=", line)]


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    said = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

    assert (said.returncode, said.stdout) == (0, ""), said


def test_it_says_what_it_is(image: str) -> None:
    config = inspect("image", image)["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in config["Labels"].items()}

    assert (labels["version"], labels["licenses"]) == (__version__, "Apache-2.0")
    assert {"title", "description", "revision"} <= labels.keys()
    assert (config["Entrypoint"], config["Cmd"]) == (["connector"], ["run"])
    assert (config["User"], config["StopSignal"]) == ("10001:10001", "SIGTERM")
    assert config["Volumes"] == {"/data": {}}
    assert config["Healthcheck"]["Test"] == ["CMD", "connector", "healthcheck"]


def test_nothing_that_lay_about_in_the_checkout_is_in_it(image: str) -> None:
    search = ("run", *HARDENED, "--user", "0", "--cap-add", "DAC_OVERRIDE", "--entrypoint", "grep", image)

    assert "ended with 1\n" in docker(*search, "--recursive", "--files-with-matches", MARKER, *OURS, "/root", ok=False)


def test_it_holds_no_secret_cache_test_or_installer(image: str) -> None:
    unwanted = re.compile(r"/(\.env.*|\.git.*|\.cache|\.\w+_cache|tests?|conftest\.py|pip|requirements[^/]*\.lock)$")
    stated = " ".join(inspect("image", image)["Config"]["Env"])

    found = files(image)

    assert "/opt/connector/bin/connector" in found
    assert [name for name in found if unwanted.search(name)] == []
    assert not re.search(r"API_KEY|SECRET|TOKEN|PASSWORD|PIP_(INDEX|EXTRA)", stated)
    assert "/root/.cache" not in docker("run", *HARDENED, "--user", "0", "--entrypoint", "ls", image, "-a", "/root")


def test_its_bytecode_is_there_because_it_cannot_be_written_later(image: str) -> None:
    assert any(re.search(r"/connector/cli/__pycache__/main\.cpython-\d+\.pyc$", name) for name in files(image))


def test_it_adds_little_to_its_base(image: str) -> None:
    history = docker("history", "--human=false", "--no-trunc", "--format", "{{.Size}} {{.CreatedBy}}", image)
    layers = [line.split(" ", 1) for line in history.splitlines()]
    first = next(number for number, (_, made_by) in enumerate(layers) if "ARG VERSION" in made_by)

    assert 0 < sum(int(size) for size, _ in layers[: first + 1]) / 1e6 < LARGEST_MB


def test_the_whole_job_runs_as_any_user_on_a_read_only_root_without_a_network(image: str) -> None:
    said = docker("run", *HARDENED, "--user", "23456:23456", "--tmpfs", "/tmp", image, "demo")  # noqa: S108  the container's own

    assert "goal" in said.lower()


def test_without_settings_it_ends_with_the_names_of_those_that_are_required(image: str) -> None:
    said = docker("run", *HARDENED, image, ok=False)

    assert "ended with 2\n" in said
    assert "TWELVELABS_API_KEY is required" in said
    assert "CONNECTOR_INDEXES is required" in said


def test_nobody_who_is_asked_about_health_is_unhealthy(image: str) -> None:
    settings = ("--env", "TWELVELABS_API_KEY=key", "--env", "CONNECTOR_INDEXES=*")

    said = docker("run", *HARDENED, *settings, image, "healthcheck", ok=False)

    assert "ended with 1\n" in said
    assert "does not respond on 127.0.0.1:8080" in said
