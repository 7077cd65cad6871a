from __future__ import annotations

import pytest

from recollect.errors import SettingsError
from recollect.providers.health import Health
from recollect.providers.litellm_config import import_litellm
from recollect.providers.registry import load_registry, with_overrides
from recollect.providers.routes import RouteTable, parse_routes

REGISTRY = load_registry()


def entry(name, model, **params):
    return {"model_name": name, "litellm_params": {"model": model, **params}}


def imported(*entries, **config):
    made = import_litellm({"model_list": list(entries), **config}, REGISTRY)
    parse_routes(made.routes)
    overrides = {
        name: {key: value for key, value in one.items() if key != "api_key"} for name, one in made.providers.items()
    }
    with_overrides(REGISTRY, overrides)
    return made


def test_a_name_for_a_model():
    made = imported(entry("fast", "groq/llama-3.1-8b"), entry("gpt-4o", "gpt-4o"))
    assert made.routes == {"fast": "groq/llama-3.1-8b", "gpt-4o": "openai/gpt-4o"}
    assert made.providers == {}


def test_their_names_of_providers_become_ours():
    made = imported(entry("a", "gemini/gemini-2.5-pro"), entry("b", "xai/grok-4"), entry("c", "together_ai/meta/llama"))
    assert made.routes == {"a": "google/gemini-2.5-pro", "b": "x-ai/grok-4", "c": "together/meta/llama"}


def test_a_name_that_says_the_same_needs_no_route():
    assert imported(entry("openai/gpt-4o", "openai/gpt-4o")).routes == {}


def test_keys_stay_in_the_environment():
    made = imported(entry("a", "openai/gpt-4o", api_key="os.environ/MY_KEY"))
    assert made.providers == {"openai": {"api_key": "${MY_KEY}"}}


def test_one_group_at_several_places_shares_the_load():
    made = imported(
        entry("gpt", "azure/east", api_base="https://east.openai.azure.com/", api_key="os.environ/EAST", rpm=10),
        entry("gpt", "azure/west", api_base="https://west.openai.azure.com", api_key="os.environ/WEST", rpm=30),
    )
    assert made.providers["azure"] == {"base_url": "https://east.openai.azure.com", "api_key": "${EAST}"}
    assert made.providers["azure-west"]["base_url"] == "https://west.openai.azure.com"
    assert made.providers["azure-west"]["key_header"] == "api-key"
    assert made.routes["gpt"] == {
        "models": [{"model": "azure/east", "weight": 10}, {"model": "azure-west/west", "weight": 30}],
        "strategy": "weighted",
    }


def test_the_same_place_twice_is_one_provider():
    made = imported(
        entry("a", "openai/x", api_base="http://127.0.0.1:8000/v1"),
        entry("b", "openai/y", api_base="http://127.0.0.1:8000/v1/"),
    )
    assert list(made.providers) == ["openai"]
    assert made.routes == {"a": "openai/x", "b": "openai/y"}


def test_places_without_a_name_are_numbered():
    made = imported(*(entry(f"m{port}", "openai/x", api_base=f"http://127.0.0.1:{port}/v1") for port in (1, 2, 3)))
    assert list(made.providers) == ["openai", "openai-2", "openai-3"]


def test_fallbacks_strategies_and_aliases():
    made = imported(
        entry("big", "openai/gpt-4o"),
        entry("big", "openrouter/openai/gpt-4o"),
        entry("small", "groq/llama"),
        router_settings={
            "routing_strategy": "latency-based-routing",
            "fallbacks": [{"big": ["small"]}],
            "model_group_alias": {"gpt-4": "big", "gpt-3": {"model": "small", "hidden": True}},
        },
    )
    assert made.routes["big"] == {
        "models": ["openai/gpt-4o", "openrouter/openai/gpt-4o"],
        "strategy": "least_latency",
        "fallbacks": ["small"],
    }
    table = RouteTable(parse_routes(made.routes), Health())
    assert [target.model for target in table.plan("gpt-4")][-1] == "groq/llama"
    assert [target.model for target in table.plan("gpt-3")] == ["groq/llama"]


def test_fallbacks_may_stand_in_the_general_settings():
    made = imported(
        entry("big", "openai/gpt-4o"), entry("small", "groq/x"), litellm_settings={"fallbacks": [{"big": ["small"]}]}
    )
    assert made.routes["big"]["fallbacks"] == ["small"]


def test_what_cannot_be_taken_is_told():
    made = imported(entry("a", "bedrock/x"), entry("b", "openai/*"), {"model_name": "c"}, 7)
    assert made.routes == {}
    assert [line.partition(":")[0] for line in made.left_out] == [f"model_list[{number}]" for number in range(4)]


def test_a_place_of_its_own_takes_no_name_from_those_who_mean_the_provider():
    made = imported(
        entry("local", "openai/llama", api_base="http://127.0.0.1:9/v1"),
        entry("gpt-4o", "gpt-4o", api_key="os.environ/OPENAI_API_KEY"),
    )
    assert made.routes == {"local": "openai-2/llama", "gpt-4o": "openai/gpt-4o"}
    assert made.providers["openai-2"] | {"key_header": "", "key_prefix": "", "path_style": ""} == {
        "base_url": "http://127.0.0.1:9/v1",
        "api_key": "${OPENAI_API_KEY:-}",
        "key_header": "",
        "key_prefix": "",
        "path_style": "",
    }


def test_two_keys_of_one_provider_are_two_providers_that_are_spoken_to_alike():
    made = imported(
        entry("gpt", "openai/gpt-4o", api_key="os.environ/KEY_A"),
        entry("gpt", "openai/gpt-4o", api_key="os.environ/KEY_B"),
    )
    first, second = made.providers["openai"], made.providers["openai-2"]
    assert (first, second["api_key"]) == ({"api_key": "${KEY_A}"}, "${KEY_B}")
    assert second["base_url"] == REGISTRY["openai"].base_url
    assert set(second["dialects"]) == set(REGISTRY["openai"].dialects)
    assert made.routes["gpt"]["models"] == ["openai/gpt-4o", "openai-2/gpt-4o"]


def test_the_key_of_a_wildcard_is_kept():
    made = imported(
        entry("anthropic/*", "anthropic/*", api_key="os.environ/CLAUDE_KEY"), entry("all", "openai/*"), entry("*", "*")
    )
    assert made.providers == {"anthropic": {"api_key": "${CLAUDE_KEY}"}}
    assert made.left_out == ["model_list[1]: a wildcard needs no route; write openai/MODEL."]


def test_numbers_of_retries_and_timeouts():
    made = imported(
        entry("a", "openai/x"),
        router_settings={"num_retries": 2, "allowed_fails": 3, "cooldown_time": 30, "timeout": 90},
        litellm_settings={"request_timeout": 600, "num_retries": 5},
    )
    assert made.retries == {"tries": 3, "cooldown_failures": 4, "cooldown_s": 30}
    assert made.limits == {"head_timeout_s": 90.0}


def test_fallbacks_for_whoever_has_none():
    made = imported(
        entry("big", "openai/gpt-4o"), entry("small", "groq/x"), litellm_settings={"default_fallbacks": ["small"]}
    )
    assert made.routes["big"] == {"models": ["openai/gpt-4o"], "strategy": "order", "fallbacks": ["small"]}
    assert made.routes["small"] == "groq/x"


def test_the_rest_of_the_file_is_told():
    made = imported(
        entry("a", "openai/x", temperature=0.2, tpm=1000),
        litellm_settings={"callbacks": ["langfuse"], "cache": True, "drop_params": True},
        router_settings={"redis_host": "x"},
        general_settings={"master_key": "sk-1234", "database_url": "os.environ/DATABASE_URL"},
        environment_variables={},
    )
    assert made.left_out == [
        "model_list[0].litellm_params: `temperature`, `tpm`.",
        "router_settings: `redis_host`.",
        "litellm_settings: `cache`, `callbacks`.",
        "environment_variables.",
        "general_settings: `database_url`, `master_key`.",
    ]


@pytest.mark.parametrize("config", [None, [], {}, {"model_list": "x"}])
def test_what_is_no_configuration(config):
    with pytest.raises(SettingsError, match="model_list"):
        import_litellm(config, REGISTRY)
