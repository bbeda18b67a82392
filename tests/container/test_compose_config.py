"""The compose files as the engine reads them; no container is started."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.settings.connector_settings import Settings
from tests.container.engine import ROOT, docker

Read = Callable[..., Any]

FILES: dict[str, list[str]] = {"plain": [], "secrets": ["compose.secrets.yml"]}
SETTINGS = [name.upper() for name in Settings.model_fields if name != "overrides"]
SECRETS = ("TWELVELABS_API_KEY", "QDRANT_API_KEY", "CONNECTOR_WEBHOOK_SECRET")


@pytest.fixture
def read(engine: None, tmp_path: Path) -> Read:
    """The resolved configuration for a .env with these settings."""

    def config(*files: str, profile: str = "*", **settings: str) -> Any:
        dotenv = tmp_path / "dotenv"
        dotenv.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
        chosen = [part for file in ("docker-compose.yml", *files) for part in ("--file", file)]
        command = ("compose", "--env-file", str(dotenv), *chosen, "--profile", profile)
        return json.loads(docker(*command, "config", "--format", "json"))

    return config


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
@pytest.mark.parametrize(
    ("profile", "services"), [("", {"connector", "qdrant"}), ("demo", {"simulator"}), ("*", set())]
)
def test_it_is_valid_in_every_profile_and_overlay(
    read: Read, files: list[str], profile: str, services: set[str]
) -> None:
    found = read(*files, profile=profile)["services"]

    assert set(found) >= {"connector", "qdrant"} | services
    assert ("simulator" in found) == bool(profile)


@pytest.mark.parametrize("name", ["TWELVELABS_API_KEY", "CONNECTOR_INDEXES"])
def test_the_two_that_are_required_arrive_as_they_were_written(read: Read, name: str) -> None:
    assert read(**{name: "as-written"})["services"]["connector"]["environment"][name] == "as-written"


def test_every_setting_is_passed_on(read: Read) -> None:
    values = {name: f"1{number}" for number, name in enumerate([*SETTINGS, "CONNECTOR_CONFIG"])}

    environment = read(**values)["services"]["connector"]["environment"]

    assert {name: environment.get(name) for name in values} == values


def test_what_is_not_set_is_empty_except_where_a_container_differs(read: Read) -> None:
    environment = read()["services"]["connector"]["environment"]

    assert {name: value for name, value in environment.items() if value} == {
        "QDRANT_URL": "http://qdrant:6333",
        "CONNECTOR_DATA_DIR": "/data",
        "CONNECTOR_HTTP_HOST": "0.0.0.0",  # noqa: S104  inside the container; published on loopback only
        "CONNECTOR_HTTP_PORT": "8080",
    }


def test_only_loopback_is_published_and_every_port_and_image_can_be_chosen(read: Read) -> None:
    chosen = {"PORT_CONNECTOR": "18080", "PORT_QDRANT": "16333", "PORT_QDRANT_GRPC": "16334"}

    services = read(**chosen, IMAGE_CONNECTOR="mine:1", IMAGE_QDRANT="theirs:2", CONNECTOR_HTTP_PORT="9000")["services"]

    ports = {
        name: [(it["host_ip"], it["published"], it["target"]) for it in services[name].get("ports", [])]
        for name in services
    }
    assert ports == {
        "connector": [("127.0.0.1", "18080", 9000)],
        "qdrant": [("127.0.0.1", "16333", 6333), ("127.0.0.1", "16334", 6334)],
        "simulator": [],
    }
    assert [services[name]["image"] for name in ("connector", "qdrant", "simulator")] == [
        "mine:1",
        "theirs:2",
        "mine:1",
    ]


def test_every_service_is_hardened_and_bounded(read: Read) -> None:
    for name, service in read()["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) > 0, name
        assert service["pids_limit"] > 0, name
        assert service["restart"] == "unless-stopped", name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"} & service.keys(), name


def test_a_stop_waits_for_longer_than_the_drain(read: Read) -> None:
    assert read()["services"]["connector"]["stop_grace_period"] == "1m0s"
    assert Settings.model_fields["connector_drain_timeout"].default < 60 / 2


def test_no_secret_reaches_the_environment_when_they_are_files(read: Read) -> None:
    keys = dict.fromkeys(SECRETS, "tlk_in_dotenv")

    environment = read("compose.secrets.yml", **keys)["services"]["connector"]["environment"]

    assert {name: environment[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")


def test_a_key_for_qdrant_is_asked_for_by_the_server_and_an_empty_one_is_none(read: Read) -> None:
    """Qdrant would treat an empty key as a key."""
    with_key, without = (read(**it)["services"]["qdrant"]["environment"] for it in ({"QDRANT_API_KEY": "key"}, {}))

    assert with_key["QDRANT__SERVICE__API_KEY"] == "key"
    assert "QDRANT__SERVICE__API_KEY" not in without


def test_every_file_says_what_it_is_for() -> None:
    for name in ("docker-compose.yml", "compose.secrets.yml"):
        assert (ROOT / name).read_text(encoding="utf-8").startswith("# ")
