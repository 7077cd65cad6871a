"""The only reader of files and environment: everything else is handed frozen settings."""

from recollect.settings.effective import EffectiveSetting, effective_settings
from recollect.settings.environment import environment_keys, environment_value, unknown_environment
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
from recollect.settings.workers import export_for_workers, settings_of_worker

__all__ = [
    "CorsSettings",
    "EffectiveSetting",
    "EmbedderSettings",
    "LimitSettings",
    "LoadedSettings",
    "ProviderSettings",
    "RecallSettings",
    "RetrySettings",
    "SettingRow",
    "Settings",
    "StoreSettings",
    "TraceSettings",
    "effective_settings",
    "environment_keys",
    "environment_value",
    "export_for_workers",
    "load_settings",
    "load_with_sources",
    "settings_of_worker",
    "settings_table",
    "unknown_environment",
    "warnings_about",
]
