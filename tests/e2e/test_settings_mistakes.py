"""Mistakes in the settings from outside: all are named at once, with exit code 2, before anything is done."""

from collections import Counter
from pathlib import Path

import pytest

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.qdrant_server import QdrantServer

SECRETS = ("tlk-very-secret", "qdrant-very-secret", "whsec-very-secret")


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(indexes=(IndexSpec(name="newer", generate=2),))


@pytest.fixture
def offline(tmp_path: Path) -> Command:
    """Valid settings with addresses that are never contacted."""
    return Command(tmp_path, {"TWELVELABS_API_KEY": "key", "CONNECTOR_INDEXES": "*"})


def test_a_misspelled_variable_is_named_with_the_right_one(offline: Command) -> None:
    ended = offline.run("sync", CONNECTOR_CONCURENCY="8")

    assert (ended.code, ended.stdout) == (2, "")
    assert "Unknown setting CONNECTOR_CONCURENCY; did you mean CONNECTOR_CONCURRENCY?" in ended.stderr
    assert not list(offline.directory.iterdir())


def test_several_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    wrong = {"CONNECTOR_POLL_INTERVAL": "soon", "CONNECTOR_COLLECTION": "videos", "QDRANT_GRPC_PORT": "70000"}

    ended = Command(tmp_path, wrong).run("check")

    assert ended.code == 2
    assert "5 mistakes" in ended.stderr
    for name in (*wrong, "TWELVELABS_API_KEY", "CONNECTOR_INDEXES"):
        assert f"- {name}" in ended.stderr
    assert "{model}" in ended.stderr


def test_a_missing_key_says_where_to_get_one(tmp_path: Path) -> None:
    ended = Command(tmp_path, {"CONNECTOR_INDEXES": "*", "TWELVELABS_API_KEY": ""}).run("check")

    assert ended.code == 2
    assert "TWELVELABS_API_KEY is required" in ended.stderr
    assert "connector demo" in ended.stderr


@pytest.mark.parametrize("command", ["sync", "plan", "verify", "check", "search a"])
def test_wrong_settings_are_one_json_document_too(tmp_path: Path, command: str) -> None:
    ended = Command(tmp_path).run(*command.split(), "--json")

    assert ended.code == 2
    assert set(ended.json) == {"error"}
    assert ended.json["error"]["code"] == "config_error"
    assert "TWELVELABS_API_KEY" in ended.json["error"]["message"]


def test_a_settings_file_that_does_not_exist_is_named(offline: Command) -> None:
    ended = offline.run("status", "--config", "absent.toml")

    assert ended.code == 2
    assert "absent.toml" in ended.stderr


def test_an_unknown_key_of_the_file_is_named_with_the_right_one(offline: Command) -> None:
    (offline.directory / "connector.toml").write_text(
        'poll_intervall = "5m"\n[[indexes]]\nid = "a"\ntranscripts = true\n'
    )

    ended = offline.run("status", "--config", "connector.toml", CONNECTOR_INDEXES="")

    assert ended.code == 2
    assert "Unknown setting poll_intervall in connector.toml; did you mean poll_interval?" in ended.stderr
    assert "did you mean transcript?" in ended.stderr


def test_a_variable_that_resembles_nothing_is_warned_about_once(offline: Command) -> None:
    ended = offline.run("status", CONNECTOR_ZEBRA="striped")

    assert ended.code == 0
    assert ended.stderr.count("Unknown setting CONNECTOR_ZEBRA") == 1


def test_secrets_come_from_files_and_a_file_that_is_absent_is_named(offline: Command) -> None:
    (offline.directory / "key").write_text("from-a-file\n")

    fine = offline.run("status", TWELVELABS_API_KEY="", TWELVELABS_API_KEY_FILE="key")
    wrong = offline.run("status", TWELVELABS_API_KEY="", TWELVELABS_API_KEY_FILE="keys")

    assert (fine.code, wrong.code) == (0, 2)
    assert "TWELVELABS_API_KEY_FILE: cannot read keys" in wrong.stderr


def test_no_secret_is_ever_printed(connector: Command, simulator: Simulator, server: QdrantServer) -> None:
    """With debug logs, in successes, refusals, failures and mistakes."""
    key, qdrant_key, webhook = SECRETS
    secret = {
        "TWELVELABS_API_KEY": key,
        "QDRANT_API_KEY": qdrant_key,
        "CONNECTOR_WEBHOOK_SECRET": webhook,
        "CONNECTOR_LOG_LEVEL": "debug",
    }
    fine = connector.run("sync", **secret)
    simulator.control.inject("GET /**", status=401, body={"code": "api_key_invalid", "message": "wrong key"})
    refused = connector.run("sync", **secret)
    simulator.control.clear_faults()
    server.stop()
    failed = connector.run("sync", "--json", **secret)
    mistaken = connector.run("status", **secret, QDRANT_GRPC_PORT=qdrant_key, CONNECTOR_POLL_INTERVALL=webhook)

    ended = (fine, refused, failed, mistaken)
    assert [it.code for it in ended] == [0, 3, 3, 2], Counter(it.stderr for it in ended)
    assert [found for found in SECRETS[:2] for it in ended if found in it.stdout + it.stderr] == []
    assert [it.code for it in ended if webhook in it.stdout + it.stderr] == []


def test_help_lists_every_command(tmp_path: Path) -> None:
    """Their options are compared with docs/commands.md."""
    ended = Command(tmp_path).run("--help")

    assert ended.code == 0
    for name in ("sync", "plan", "verify", "check", "status", "search", "simulate", "demo"):
        assert f" {name} " in ended.stdout


def test_an_option_that_does_not_exist_is_a_mistake(offline: Command) -> None:
    ended = offline.run("sync", "--alow-deletes")

    assert ended.code == 2
    assert "--allow-deletes" in ended.stderr
