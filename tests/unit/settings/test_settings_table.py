from __future__ import annotations

from recollect.providers.base import Provider
from recollect.settings import environment_keys, environment_value, load_settings, settings_table, unknown_environment


def test_every_setting_has_a_description_and_a_name_in_the_environment():
    rows = settings_table()
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.description for row in rows)
    chosen = ("providers.NAME.", "prices.NAME.", "projects.NAME.")
    assert all(row.environment or row.name.startswith(chosen) for row in rows)


def test_every_variable_of_the_table_is_read():
    samples = {
        "embedder.kind": "none",
        "store.kind": "memory",
        "mode": "off",
        "log_level": "debug",
        "log_format": "json",
        "recall.strategy": "low_latency",
        "knowledge.conflicts": "ask",
        "providers": "a=http://x",
        "prices": '{"a/b": {"input": 1, "output": 2}}',
        "projects": '{"acme": {"categories": ["a", "b"]}}',
        "cost.asks_for_usage": "never",
        "routes": "fast=a/1",
        "retries.fallback_statuses": "418",
        "secret_key": "ab",
        **dict.fromkeys(("budgets.project", "budgets.key", "budgets.user", "budgets.model"), "7 usd/day"),
        **dict.fromkeys(("budgets.projects", "budgets.users", "budgets.models"), '{"a": ["7 usd/day"]}'),
        "embedder.base_url": "http://x",
        "extractor.base_url": "http://x",
        "has_access_log": "true",
        "tells_broken_streams": "true",
        "otel.endpoint": "http://x",
        "otel.sample_ratio": "0.5",
        "embedder.is_quantised": "false",
        "embedder.may_download": "false",
        "response_cache.is_on": "true",
        "traces.keep_bodies": "true",
        "recall.knowledge": "false",
        "limits.max_body_bytes": "2048",
        "limits.max_upload_bytes": "2048",
    }
    rows = [row for row in settings_table() if row.environment]
    before = load_settings(environ={}).model_dump()
    for row in rows:
        changed = load_settings(environ={row.environment: samples.get(row.name, "7")}).model_dump()
        assert changed != before, row.name


def test_defaults_are_told_as_they_would_be_written():
    told = {row.name: row.default for row in settings_table()}
    assert (told["port"], told["mode"], told["has_access_log"], told["cors.origins"]) == ("8000", "full", "false", "")


def test_provider_keys_come_from_the_first_variable_that_is_set():
    registry = [
        Provider("google", "https://g", key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY")),
        Provider("openai", "https://o", key_env=("OPENAI_API_KEY",)),
        Provider("local", "http://l"),
    ]
    environ = {"GOOGLE_API_KEY": "g2", "GEMINI_API_KEY": "", "OTHER": "x"}
    assert environment_keys(registry, environ=environ) == {"google": "g2"}


def test_an_empty_variable_is_none():
    assert environment_value("A", environ={"A": ""}) is None
    assert environment_value("A", environ={"A": "b"}) == "b"


def test_misspelt_variables_are_found():
    environ = {"RECOLLECT_PROT": "1", "RECOLLECT_PORT": "1", "RECOLLECT_API_KEY": "k", "HOME": "/"}
    assert unknown_environment(environ=environ) == ("RECOLLECT_PROT",)
