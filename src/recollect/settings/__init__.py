"""The only reader of files and environment: everything else is handed frozen settings."""

from recollect.settings.environment import environment_keys, environment_value, unknown_environment
from recollect.settings.load import load_settings
from recollect.settings.schema import (
    CorsSettings,
    EmbedderSettings,
    LimitSettings,
    ProviderSettings,
    RecallSettings,
    Settings,
    StoreSettings,
    TraceSettings,
)
from recollect.settings.table import SettingRow, settings_table
from recollect.settings.workers import export_for_workers, settings_of_worker

__all__ = [
    "CorsSettings",
    "EmbedderSettings",
    "LimitSettings",
    "ProviderSettings",
    "RecallSettings",
    "SettingRow",
    "Settings",
    "StoreSettings",
    "TraceSettings",
    "environment_keys",
    "environment_value",
    "export_for_workers",
    "load_settings",
    "settings_of_worker",
    "settings_table",
    "unknown_environment",
]
