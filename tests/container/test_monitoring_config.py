"""The Compose profile monitoring: what Prometheus scrapes, with which token, and who may see the dashboard."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.container.engine import ROOT
from tests.container.test_compose_config import Read, read

__all__ = ["read"]

CONFIG = ROOT / "deploy/monitoring/prometheus.yml"
TOKEN = "token-of-the-test"


def started(service: Any, directory: Path, **environment: str) -> tuple[str, Any]:
    """What the service's command does in `directory` instead of its container: the token, and the configuration."""
    for name in ("tmp", "run/secrets", "etc/prometheus", "bin"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "etc/prometheus/prometheus.yml").write_text(CONFIG.read_text(encoding="utf-8"), encoding="utf-8")
    program = directory / "bin" / "prometheus"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = service["command"][0].replace("$$", "$")
    for place in ("/tmp/", "/run/", "/etc/"):  # noqa: S108  in the container
        script = script.replace(f" {place}", f" {directory}{place}").replace(f"={place}", f"={directory}{place}")
    ended = subprocess.run(
        [*service["entrypoint"], script],
        env={**service["environment"], **environment, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    config = next(it.partition("=")[2] for it in ended.stdout.splitlines() if it.startswith("--config.file="))
    token = directory / "tmp/connector-token"
    assert token.stat().st_mode & 0o077 == 0
    return token.read_text(encoding="utf-8"), yaml.safe_load(Path(config).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("settings", "token"), [({}, ""), ({"CONNECTOR_HTTP_TOKEN": TOKEN}, TOKEN)])
def test_prometheus_gets_the_token_of_the_connector(
    read: Read, tmp_path: Path, settings: dict[str, str], token: str
) -> None:
    service = read(profile="monitoring", **settings)["services"]["prometheus"]

    written, config = started(service, tmp_path)

    assert written == token
    assert config == yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    assert config["scrape_configs"][0]["authorization"]["credentials_file"] == "/tmp/connector-token"  # noqa: S108  in the container


def test_the_token_may_be_a_file(read: Read, tmp_path: Path) -> None:
    service = read("compose.secrets.yml", profile="monitoring", CONNECTOR_HTTP_TOKEN="other")["services"]["prometheus"]
    (tmp_path / "run/secrets").mkdir(parents=True)
    (tmp_path / "run/secrets/connector_http_token").write_text(f"{TOKEN}\n", encoding="utf-8")

    written, _ = started(service, tmp_path)

    assert written == f"{TOKEN}\n"
    assert service["environment"]["CONNECTOR_HTTP_TOKEN"] == ""
    secrets = [it for it in service["volumes"] if it["target"].startswith("/run/secrets")]
    assert [(Path(it["source"]).name, it["read_only"]) for it in secrets] == [("connector_http_token", True)]


def test_the_port_of_the_connector_may_differ(read: Read, tmp_path: Path) -> None:
    service = read(profile="monitoring", CONNECTOR_HTTP_PORT="9000")["services"]["prometheus"]

    _, config = started(service, tmp_path)

    assert config["scrape_configs"][0]["static_configs"] == [{"targets": ["connector:9000"]}]


def test_what_is_mounted_is_there_and_cannot_be_changed(read: Read) -> None:
    services = read(profile="monitoring")["services"]
    files = [it for name in ("prometheus", "grafana") for it in services[name]["volumes"] if it["type"] == "bind"]

    assert len(files) == 4
    assert [it["source"] for it in files if not (it["read_only"] and Path(it["source"]).exists())] == []
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    assert set(config["rule_files"]) < {it["target"] for it in services["prometheus"]["volumes"]}


def test_grafana_asks_for_a_password_that_nobody_knows_beforehand(read: Read) -> None:
    services = read(profile="monitoring")["services"]
    environment = services["grafana"]["environment"]

    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == services["grafana-password"]["command"][1]
    assert services["grafana"]["depends_on"]["grafana-password"]["condition"] == "service_completed_successfully"
    assert services["grafana-password"]["network_mode"] == "none"
    home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"/etc/grafana/dashboards/{next((ROOT / 'deploy/monitoring/grafana/dashboards').iterdir()).name}"


def test_neither_calls_home(read: Read) -> None:
    environment = read(profile="monitoring")["services"]["grafana"]["environment"]

    assert {value for name, value in environment.items() if name.startswith("GF_ANALYTICS")} == {"false"}
