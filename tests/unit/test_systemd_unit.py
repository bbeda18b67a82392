"""The systemd unit fits the program: its command, its exit codes, its drain timeout, its secrets."""

import shutil
import subprocess
from pathlib import Path

import pytest

from connector.cli.output import Exit
from connector.settings.connector_settings import SECRETS, Settings

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "twelvelabs-qdrant-connector.service"


def values(key: str) -> list[str]:
    lines = [line.partition("=") for line in UNIT.read_text().splitlines() if not line.startswith("#")]
    return [value for name, _, value in lines if name == key]


def test_a_settings_error_does_not_become_a_restart_loop() -> None:
    assert values("Restart") == ["on-failure"]
    assert values("RestartPreventExitStatus") == [str(int(Exit.CONFIGURATION))]


def test_it_waits_longer_than_the_drain() -> None:
    default = Settings.model_fields["connector_drain_timeout"].default

    assert int(values("TimeoutStopSec")[0]) > float(default)


def test_it_runs_the_daemon_with_the_ledger_in_its_state_directory() -> None:
    assert values("ExecStart")[0].endswith("/connector run")
    assert f"CONNECTOR_DATA_DIR=/var/lib/{values('StateDirectory')[0]}" in values("Environment")


def test_the_key_is_a_credential_and_not_in_the_environment() -> None:
    name = values("LoadCredential")[0].partition(":")[0]

    assert name in SECRETS
    assert f"{name.upper()}_FILE=%d/{name}" in values("Environment")


def test_systemd_accepts_it(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/connector/bin/connector", "/bin/true"))

    ended = subprocess.run([verify, "verify", str(unit)], capture_output=True, text=True, check=False)

    assert UNIT.name not in ended.stderr, ended.stderr
