"""The compose files as the engine reads them; no container is started."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.settings.connector_settings import Settings
from tests.container.engine import ROOT, STAGE, docker

Read = Callable[..., Any]

FILES: dict[str, list[str]] = {"plain": [], "secrets": ["compose.secrets.yml"], "cluster": ["compose.cluster.yml"]}
SETTINGS = [name.upper() for name in Settings.model_fields if name != "overrides"]
SECRETS = ("TWELVELABS_API_KEY", "QDRANT_API_KEY", "CONNECTOR_HTTP_TOKEN", "CONNECTOR_WEBHOOK_SECRET")
ONCE = {"check", "qdrant-key", "grafana-password"}
ONCE_IN_A_CLUSTER = {*ONCE, "postgres-password"}
MONITORING = {"prometheus", "grafana", "grafana-password"}
PORTS = {"PORT_CONNECTOR": "18080", "PORT_QDRANT": "16333", "PORT_QDRANT_GRPC": "16334"}
PORTS |= {"PORT_PROMETHEUS": "19090", "PORT_GRAFANA": "13000"}
IMAGES = {"IMAGE_CONNECTOR": "mine:1", "IMAGE_QDRANT": "theirs:2", "IMAGE_PROMETHEUS": "p:3", "IMAGE_GRAFANA": "g:4"}
OF_THE_CONNECTOR = {"connector", "simulator", *ONCE}
"""Services that run its image."""
KEY_FILE = "QDRANT_API_KEY_FILE"
LEDGER_FILE = "/run/postgres-password/ledger_url"


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
    ("profile", "services"),
    [("", {"check", "qdrant-key"}), ("demo", {"simulator"}), ("monitoring", MONITORING), ("*", MONITORING)],
)
def test_it_is_valid_in_every_profile_and_overlay(
    read: Read, files: list[str], profile: str, services: set[str]
) -> None:
    found = read(*files, profile=profile)["services"]

    assert set(found) >= {"connector", "qdrant"} | services
    assert ("simulator" in found) == (profile in {"demo", "*"})
    assert bool(MONITORING & set(found)) == (profile in {"monitoring", "*"})


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
        KEY_FILE: "/run/qdrant-key/api_key",
        "CONNECTOR_DATA_DIR": "/data",
        "CONNECTOR_HTTP_HOST": "0.0.0.0",  # noqa: S104  inside the container; published on loopback only
        "CONNECTOR_HTTP_PORT": "8080",
    }


def test_only_loopback_is_published_and_every_port_and_image_can_be_chosen(read: Read) -> None:
    services = read(**PORTS, **IMAGES, CONNECTOR_HTTP_PORT="9000")["services"]

    ports = {
        name: [(it["host_ip"], it["published"], it["target"]) for it in services[name].get("ports", [])]
        for name in services
    }
    assert ports == {
        "connector": [("127.0.0.1", "18080", 9000)],
        "qdrant": [("127.0.0.1", "16333", 6333), ("127.0.0.1", "16334", 6334)],
        "prometheus": [("127.0.0.1", "19090", 9090)],
        "grafana": [("127.0.0.1", "13000", 3000)],
        **{name: [] for name in ("simulator", *ONCE)},
    }
    assert {name: services[name]["image"] for name in services} == {
        "qdrant": "theirs:2",
        "prometheus": "p:3",
        "grafana": "g:4",
        **dict.fromkeys(OF_THE_CONNECTOR, "mine:1"),
    }


def test_both_base_images_can_be_pinned(read: Read) -> None:
    """A digest names one image for ever; a tag may move."""
    digest = f"@sha256:{'0' * 64}"

    plain, pinned = (
        read(**it)["services"]
        for it in ({}, {"IMAGE_PYTHON": f"python{digest}", "IMAGE_QDRANT": f"qdrant/qdrant{digest}"})
    )

    assert {it["build"]["args"]["IMAGE_PYTHON"] for it in plain.values() if "build" in it} == {STAGE}
    assert {it["build"]["args"]["IMAGE_PYTHON"] for it in pinned.values() if "build" in it} == {f"python{digest}"}
    assert pinned["qdrant"]["image"] == f"qdrant/qdrant{digest}"


def test_the_check_before_the_start_sees_what_the_connector_will_see(read: Read) -> None:
    for files in FILES.values():
        services = read(*files, TWELVELABS_API_KEY="key")["services"]

        assert services["check"]["environment"] == services["connector"]["environment"]
        assert services["check"]["working_dir"] == services["connector"]["working_dir"]
        assert targets(services["check"]) == targets(services["connector"]) - {"/data"}
        assert services["connector"]["depends_on"]["check"]["condition"] == "service_completed_successfully"


def targets(service: Any) -> set[str]:
    return {it["target"] for it in service["volumes"]}


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
def test_every_service_is_hardened_and_bounded(read: Read, files: list[str]) -> None:
    for name, service in read(*files)["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) > 0, name
        assert float(service["cpus"]) > 0, name
        assert service["pids_limit"] > 0, name
        assert service["restart"] == ("no" if name in ONCE_IN_A_CLUSTER else "unless-stopped"), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert service.get("network_mode", "none") == "none", name
        assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & service.keys(), name


def test_the_limits_can_be_chosen_and_no_cpu_limit_needs_a_second_cpu(read: Read) -> None:
    """Docker starts no container whose limit exceeds the CPUs of the machine."""
    chosen = {"CPUS_CONNECTOR": "0.5", "CPUS_QDRANT": "6", "MEMORY_CONNECTOR": "2g", "MEMORY_QDRANT": "64g"}
    chosen |= {"MEMORY_PROMETHEUS": "4g", "MEMORY_GRAFANA": "3g"}

    plain, services = (read(**it)["services"] for it in ({}, chosen))

    assert {float(it["cpus"]) for it in plain.values()} == {1}
    limits = {name: (float(services[name]["cpus"]), int(services[name]["mem_limit"]) >> 30) for name in services}
    others = {"qdrant": (6, 64), "prometheus": (1, 4), "grafana": (1, 3)}
    assert limits == {**others, **dict.fromkeys(OF_THE_CONNECTOR, (0.5, 2))}


def test_a_stop_waits_for_longer_than_the_drain(read: Read) -> None:
    assert read()["services"]["connector"]["stop_grace_period"] == "1m0s"
    assert Settings.model_fields["connector_drain_timeout"].default < 60 / 2


def test_no_secret_reaches_the_environment_when_they_are_files(read: Read) -> None:
    keys = dict.fromkeys(SECRETS, "tlk_in_dotenv")

    services = read("compose.secrets.yml", **keys)["services"]

    for name in ("connector", "check"):
        assert {it: services[name]["environment"][it] for it in SECRETS} == dict.fromkeys(SECRETS, "")


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
@pytest.mark.parametrize(
    ("settings", "generated"),
    [
        ({}, True),
        ({"QDRANT_API_KEY": "key"}, False),
        ({"QDRANT_URL": "https://elsewhere:6333"}, False),
        ({"QDRANT_URL": "https://elsewhere:6333", "QDRANT_API_KEY": "key"}, False),
    ],
)
def test_the_generated_key_is_sent_to_the_bundled_qdrant_only_and_a_given_key_wins(
    read: Read, files: list[str], settings: dict[str, str], generated: bool
) -> None:
    services = read(*files, **settings)["services"]

    assert (KEY_FILE in services["connector"]["environment"]) is generated
    assert services["qdrant"]["environment"]["QDRANT_API_KEY"] == settings.get("QDRANT_API_KEY", "")


@pytest.mark.parametrize("given", ["", "postgresql://elsewhere/ledger"])
def test_replicas_have_the_generated_address_of_the_ledger_unless_one_is_given(read: Read, given: str) -> None:
    """Commands that are run in their containers have it too."""
    services = read("compose.cluster.yml", CONNECTOR_LEDGER_URL=given)["services"]

    for name in ("connector", "check"):
        environment = services[name]["environment"]
        assert environment["CONNECTOR_LEDGER_URL"] == given
        assert environment.get("CONNECTOR_LEDGER_URL_FILE") == (None if given else LEDGER_FILE)
        assert services[name]["depends_on"]["postgres"]["condition"] == "service_healthy"
        assert services[name].get("entrypoint") is None


def test_each_replica_has_a_port_of_its_own(read: Read) -> None:
    connector = read("compose.cluster.yml", REPLICAS="4", PORTS_CONNECTOR="18080-18083")["services"]["connector"]

    assert connector["scale"] == 4
    assert [(it["host_ip"], it["published"], it["target"]) for it in connector["ports"]] == [
        ("127.0.0.1", "18080-18083", 8080)
    ]


def test_every_file_says_what_it_is_for() -> None:
    for name in ("docker-compose.yml", "compose.secrets.yml", "compose.cluster.yml"):
        assert (ROOT / name).read_text(encoding="utf-8").startswith("# ")
