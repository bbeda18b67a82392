"""The manifests for several replicas: their settings exist, and what they run works, without their platforms."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from connector.ledger.postgres.address import PostgresAddress
from connector.settings.connector_settings import SECRETS, Settings
from tests.unit.settings_place import Place

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy/kubernetes/replicas.yml"
SETTINGS = {name.upper() for name in Settings.model_fields if name != "overrides"}
COMPOSE = "/run/postgres-password"


class ComposeLoader(yaml.SafeLoader):
    """Knows the tags that Compose adds to YAML."""


def override(loader: ComposeLoader, node: yaml.SequenceNode) -> list[Any]:
    return list(loader.construct_sequence(node))


ComposeLoader.add_constructor("!override", override)


@pytest.fixture
def deployment() -> Any:
    (found,) = (it for it in yaml.safe_load_all(KUBERNETES.read_text(encoding="utf-8")) if it["kind"] == "Deployment")
    return found["spec"]


@pytest.fixture
def container(deployment: Any) -> Any:
    (found,) = deployment["template"]["spec"]["containers"]
    return found


def test_the_settings_of_the_pods_exist_and_are_accepted(container: Any, bare: Place) -> None:
    """Each that is a secret comes from one, and so that they share a ledger."""
    given = {it["name"]: it.get("value") for it in container["env"]}
    secret = {"TWELVELABS_API_KEY": "key", "CONNECTOR_LEDGER_URL": "postgresql://postgres/ledger"}

    assert given.keys() <= SETTINGS
    assert {name for name, value in given.items() if value is None} == secret.keys()
    assert {name.lower() for name in secret} <= set(SECRETS)
    bare.environment(**{**given, **secret})
    settings = bare.load()
    assert settings.ledger.url == secret["CONNECTOR_LEDGER_URL"]
    assert str(settings.connector_data_dir).startswith(container["volumeMounts"][0]["mountPath"])


def test_the_pods_run_what_the_image_runs_and_are_asked_where_they_listen(deployment: Any, container: Any) -> None:
    """The image's own command is `connector run`."""
    assert not {"command", "args"} & container.keys()
    assert container["ports"] == [
        {"name": "http", "containerPort": Settings.model_fields["connector_http_port"].default}
    ]
    probes = {name: container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe")}
    assert {name: (it["path"], it["port"]) for name, it in probes.items()} == {
        "livenessProbe": ("/livez", "http"),
        "readinessProbe": ("/readyz", "http"),
    }
    grace = deployment["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > Settings.model_fields["connector_drain_timeout"].default * 2
    assert deployment["replicas"] > 1


def test_the_generated_address_leads_to_postgresql_with_the_generated_password(tmp_path: Path) -> None:
    """The script of the service that generates both, twice: the second start changes nothing."""
    services = yaml.load((ROOT / "compose.cluster.yml").read_text(encoding="utf-8"), ComposeLoader)["services"]  # noqa: S506  it is a SafeLoader
    service, database = services["postgres-password"], services["postgres"]["environment"]
    script = service["command"][0].replace("$$", "$").replace(COMPOSE, str(tmp_path))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    passwords = set()
    for _ in range(2):
        ended = subprocess.run([*service["entrypoint"], script], env=environment, capture_output=True, check=False)
        assert ended.returncode == 0, ended.stderr
        passwords.add((tmp_path / "password").read_text(encoding="utf-8").strip())

    found = PostgresAddress.of((tmp_path / "ledger_url").read_text(encoding="utf-8")).parameters
    assert [found["password"]] == list(passwords)
    assert (found["host"], found["port"]) == ("postgres", "5432")
    assert (found["user"], found["dbname"]) == (database["POSTGRES_USER"], database["POSTGRES_DB"])
    assert database["POSTGRES_PASSWORD_FILE"] == f"{COMPOSE}/password"
    assert sorted(it.name for it in tmp_path.iterdir()) == ["ledger_url", "password"]
    assert (tmp_path / "ledger_url").stat().st_mode & 0o777 == 0o640
