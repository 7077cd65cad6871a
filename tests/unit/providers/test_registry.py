from __future__ import annotations

import pytest

from recollect.errors import SettingsError
from recollect.providers.registry import context_window, find_provider, load_registry, with_overrides

NAMED_IN_THE_DOCS = {
    "openai", "anthropic", "google", "meta", "mistral", "x-ai", "openrouter", "deepseek", "perplexity", "azure",
    "ollama", "groq", "together", "fireworks", "cerebras", "cohere", "qwen", "vercel", "litellm", "vllm", "lmstudio",
}  # fmt: skip


def test_every_documented_provider_is_there():
    assert set(load_registry()) == NAMED_IN_THE_DOCS


def test_every_entry_can_be_used_as_it_is():
    for name, provider in load_registry().items():
        assert provider.name == name
        assert provider.base_url.startswith(("https://", "http://127.0.0.1:")) or name == "azure"
        assert not provider.base_url.endswith("/")
        assert provider.key_env or not provider.needs_key
        assert provider.dialects & {"chat/completions", "messages"}
        assert not provider.is_configured


def test_plain_http_is_for_this_machine_only():
    local = {name for name, provider in load_registry().items() if provider.base_url.startswith("http://")}
    assert local == {"ollama", "litellm", "vllm", "lmstudio"}
    assert not any(load_registry()[name].needs_key for name in local)


def test_aliases_are_unique_and_found_in_any_case():
    registry = load_registry()
    names = [*registry, *(alias for provider in registry.values() for alias in provider.aliases)]
    assert len(names) == len(set(names))
    assert find_provider(registry, "Gemini") == registry["google"]
    assert find_provider(registry, "OpenAI") == registry["openai"]
    assert find_provider(registry, "nobody") is None


def test_an_override_changes_what_it_names_and_nothing_else():
    before = load_registry()
    after = with_overrides(before, {"openai": {"base_url": "https://eu.api.openai.com/v1/", "key_header": None}})
    assert after["openai"].base_url == "https://eu.api.openai.com/v1"
    assert after["openai"].key_env == before["openai"].key_env
    assert after["openai"].is_configured
    assert after["groq"] == before["groq"]
    assert before["openai"].base_url == "https://api.openai.com/v1"


def test_an_override_by_alias_means_the_provider():
    after = with_overrides(load_registry(), {"gemini": {"base_url": "https://proxy.example/v1"}})
    assert after["google"].base_url == "https://proxy.example/v1"
    assert "gemini" not in after


@pytest.mark.parametrize(
    ("base_url", "needs_key"),
    [
        ("http://127.0.0.1:9/v1", False),
        ("http://localhost:9/v1", False),
        ("http://[::1]:9/v1", False),
        ("https://gpu.example/v1", True),
        ("http://10.0.0.1/v1", True),
    ],
)
def test_a_provider_that_is_moved_to_this_machine_needs_no_key(base_url, needs_key):
    moved = with_overrides(load_registry(), {"openai": {"base_url": base_url}})["openai"]
    assert moved.needs_key is needs_key
    asked = with_overrides(load_registry(), {"openai": {"base_url": base_url, "needs_key": True}})["openai"]
    assert asked.needs_key


def test_a_new_name_is_openai_like_and_needs_no_key():
    added = with_overrides(load_registry(), {"Home": {"base_url": "http://10.0.0.5:8000/v1"}})["home"]
    assert (added.path_style, added.key_header, added.key_prefix) == ("openai", "authorization", "Bearer ")
    assert added.has_slashed_models
    assert not added.needs_key
    assert "responses" in added.dialects


def test_a_new_name_with_a_variable_for_its_key_needs_one():
    added = with_overrides(load_registry(), {"home": {"base_url": "https://h.example/v1", "key_env": ["HOME_KEY"]}})
    assert added["home"].needs_key


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"home": {}}, "providers.home"),
        ({"a/b": {"base_url": "https://h/v1"}}, "providers.a/b"),
        ({"recollect": {"base_url": "https://h/v1"}}, "providers.recollect"),
        ({"openai": {"needs_key": "yes"}}, "providers.openai.needs_key"),
        ({"openai": {"base_url": 7}}, "providers.openai.base_url"),
        ({"openai": {"dialects": "responses"}}, "providers.openai.dialects"),
        ({"openai": {"path_style": "soap"}}, "providers.openai.path_style"),
        ({"openai": {"extra_headers": "x: y"}}, "providers.openai.extra_headers"),
    ],
)
def test_a_wrong_override_is_named(overrides, named):
    with pytest.raises(SettingsError, match=named):
        with_overrides(load_registry(), overrides)


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("gpt-4", 8192),
        ("gpt-4-0613", 8192),
        ("gpt-4-1106-preview", 128000),
        ("gpt-4.1-mini", 1047576),
        ("openai/gpt-4o-mini", 128000),
        ("openrouter/anthropic/claude-sonnet-4.5", 200000),
        ("meta-llama/Llama-3.1-8B-Instruct", 128000),
        ("Meta-Llama-3-8B", 8192),
        ("llama3.2:3b", 128000),
        ("gemini-2.5-flash", 1048576),
        ("somebodys-own-model", None),
        ("", None),
    ],
)
def test_context_windows_by_name(model, window):
    assert context_window(model) == window
