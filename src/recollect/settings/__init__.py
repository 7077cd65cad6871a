"""The only reader of files and environment: everything else is handed frozen settings."""

from recollect.settings.changes import NEEDS_RESTART, Changes, changes
from recollect.settings.effective import EffectiveSetting, as_toml, effective_settings
from recollect.settings.environment import environment_keys, environment_value, unknown_environment
from recollect.settings.files import parse_file
from recollect.settings.load import LoadedSettings, load_settings, load_with_sources, warnings_about
from recollect.settings.schema import (
    CorsSettings,
    EmbedderSettings,
    LimitSettings,
    ProviderSettings,
    RecallSettings,
    RetrySettings,
    Settings,
    StoreSettings,
    TraceSettings,
)
from recollect.settings.table import SettingRow, settings_table
from recollect.settings.workers import Given, Handed, export_for_workers, handed_to_worker

__all__ = [
    "NEEDS_RESTART",
    "Changes",
    "CorsSettings",
    "EffectiveSetting",
    "EmbedderSettings",
    "Given",
    "Handed",
    "LimitSettings",
    "LoadedSettings",
    "ProviderSettings",
    "RecallSettings",
    "RetrySettings",
    "SettingRow",
    "Settings",
    "StoreSettings",
    "TraceSettings",
    "as_toml",
    "changes",
    "effective_settings",
    "environment_keys",
    "environment_value",
    "export_for_workers",
    "handed_to_worker",
    "load_settings",
    "load_with_sources",
    "parse_file",
    "settings_table",
    "unknown_environment",
    "warnings_about",
]
