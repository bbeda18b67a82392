"""Which settings a restart would change: the files may differ from what the process read at its start."""

from pathlib import Path

from connector.domain.errors import ConfigError
from connector.settings.connector_settings import Settings
from connector.settings.loading import SECRETS_DIR, load


def changed_settings(settings: Settings, config: Path | None, secrets_dir: Path = SECRETS_DIR) -> list[str]:
    """The names of the settings that a restart would change, without their values. Raises ConfigError for mistakes."""
    new, _ = load(config, secrets_dir=secrets_dir)
    differing = [name for name in type(new).model_fields if getattr(settings, name) != getattr(new, name)]
    return ["[[indexes]]" if name == "overrides" else name.upper() for name in differing]


def restart_changes(settings: Settings, config: Path | None) -> dict[str, object]:
    """What a restart would change, as facts for the log."""
    try:
        changed = changed_settings(settings, config)
    except ConfigError as error:
        advice = "correct the settings: a restart would fail now"
        return {"advice": advice, "mistakes": str(error)}
    advice = "restart the connector to apply changed settings" if changed else "a restart would change no setting"
    return {"advice": advice, "changed": changed}
