from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from recollect.errors import AuthenticationError, InvalidRequestError, SettingsError
from recollect.providers.allow_list import build_allow_list
from recollect.providers.health import Health
from recollect.providers.registry import load_registry, with_overrides
from recollect.providers.router import ProviderRouter, endpoints_of
from recollect.providers.routes import RouteTable, parse_routes
from tests.unit.providers.fakes import Clock

REGISTRY = with_overrides(
    load_registry(),
    {"farm": {"base_urls": ["http://one:1/v1", "http://two:2/v1"]}, "anthropic": {"base_url": "https://a.example/v1"}},
)


@dataclass(frozen=True)
class Question:
    path: str = "chat/completions"
    query: str = ""
    model: str | None = "fast"
    forward_target: str | None = None
    provider_key: str | None = None
    project_keys: dict[str, str] = field(default_factory=dict)


def router(routes=None, *, keys=("openai", "groq"), named=None):
    table = RouteTable(parse_routes(routes or {}), Health(clock=Clock()), lambda: 0.5)
    named = named or {}
    return ProviderRouter(
        REGISTRY,
        build_allow_list(REGISTRY.values()),
        "openai",
        {name: f"sk-{name}" for name in keys},
        table,
        named,
        endpoints_of(REGISTRY.values(), named),
    )


def told(plan):
    return [(way.name, way.route.url if way.route else way.error.code) for way in plan.ways]


def key_of(way):
    return dict(way.route.credentials)[b"authorization"].decode()


def test_a_route_leads_to_each_of_its_models_as_its_provider_spells_it():
    plan = router({"fast": ["groq/llama", "openai/gpt-4o", "gpt-5"]}).plan(Question())
    assert told(plan) == [
        ("groq/llama", "https://api.groq.com/openai/v1/chat/completions"),
        ("openai/gpt-4o", "https://api.openai.com/v1/chat/completions"),
        ("openai/gpt-5", "https://api.openai.com/v1/chat/completions"),
    ]
    assert [way.route.model for way in plan.ways] == ["llama", "gpt-4o", "gpt-5"]
    assert plan.first == plan.ways[0].route


def test_a_model_that_is_no_route_leads_to_itself():
    plan = router({"fast": "groq/llama"}).plan(Question(model="gpt-4o"))
    assert told(plan) == [("openai/gpt-4o", "https://api.openai.com/v1/chat/completions")]
    assert plan.first.model is None


def test_a_plan_is_made_once_for_all_who_use_the_gateways_key():
    made = router()
    assert made.plan(Question(model="gpt-4o")) is made.plan(Question(model="gpt-4o"))
    mine = made.plan(Question(model="gpt-4o", provider_key="sk-mine"))
    theirs = made.plan(Question(model="gpt-4o", project_keys={"openai": "sk-theirs"}))
    keys = [key_of(plan.ways[0]) for plan in (made.plan(Question(model="gpt-4o")), mine, theirs)]
    assert keys == ["Bearer sk-openai", "Bearer sk-mine", "Bearer sk-theirs"]
    assert made.plan(Question(model="gpt-4o", query="a=1")).first.url.endswith("?a=1")
    assert made.plan(Question(model="gpt-4o", path="embeddings")).first.url.endswith("/embeddings")


def test_what_clients_name_is_remembered_within_bounds():
    made = router()
    for number in range(3000):
        made.plan(Question(model=f"gpt-{number}"))
    assert len(made._known) <= 1000
    long = made.plan(Question(model="x" * 100_000))
    assert len(long.ways[0].name) < 200
    assert all(len(model) < 600 for _, _, model in made._known)


def test_a_model_with_a_slash_that_is_a_routes_name():
    routes = {"openai/gpt-4o": {"models": "openai/gpt-4o", "fallbacks": "groq/llama"}}
    plan = router(routes).plan(Question(model="openai/gpt-4o"))
    assert [way.route.model for way in plan.ways] == ["gpt-4o", "llama"]


def test_what_cannot_be_asked_is_told_and_the_rest_stays():
    plan = router({"fast": ["mistral/m", "nobody/x", "groq/llama"]}).plan(Question())
    assert [way.error.code if way.error else "" for way in plan.ways] == [
        "missing_provider_key",
        "unknown_provider",
        "",
    ]
    assert plan.first.provider == "groq"


def test_where_nothing_can_be_asked_the_first_reason_is_raised():
    with pytest.raises(AuthenticationError):
        router({"fast": ["mistral/m", "nobody/x"]}).plan(Question())
    with pytest.raises(InvalidRequestError):
        router().plan(Question(model="nobody/x"))


def test_base_urls_share_the_load_and_are_told_apart():
    plan = router().plan(Question(model="farm/m"))
    assert sorted(told(plan)) == [
        ("farm/m@one:1", "http://one:1/v1/chat/completions"),
        ("farm/m@two:2", "http://two:2/v1/chat/completions"),
    ]


def test_without_a_model_the_first_base_url_is_meant():
    made = replace(router(), default_provider="farm")
    assert told(made.plan(Question(path="files", model=None))) == [("farm", "http://one:1/v1/files")]


def test_keys_share_the_load_and_are_told_by_name_only():
    plan = router(named={"openai": {"a": "sk-a", "b": "sk-b"}}).plan(Question(model="gpt-4o"))
    assert {way.name: key_of(way) for way in plan.ways} == {
        "openai/gpt-4o#a": "Bearer sk-a",
        "openai/gpt-4o#b": "Bearer sk-b",
    }


def test_a_route_may_ask_for_one_key():
    made = router({"fast": [{"model": "openai/gpt-4o", "key": "b"}]}, named={"openai": {"a": "sk-a", "b": "sk-b"}})
    assert [key_of(way) for way in made.plan(Question()).ways] == ["Bearer sk-b"]


def test_a_provider_that_nobody_knows_is_a_wrong_setting():
    with pytest.raises(SettingsError, match=r"routes\.fast.*'opnai/gpt-4o'"):
        router({"fast": ["groq/llama", "opnai/gpt-4o"]}).check()
    router({"fast": ["groq/llama", "slow", "gpt-4o"], "slow": "mistral/m"}).check()


def test_a_key_that_no_provider_has_is_a_wrong_setting():
    with pytest.raises(SettingsError, match=r"routes\.fast.*'c'"):
        router({"fast": [{"model": "openai/gpt-4o", "key": "c"}]}, named={"openai": {"a": "sk-a"}}).check()
    router({"fast": [{"model": "openai/gpt-4o", "key": "a"}]}, named={"openai": {"a": "sk-a"}}).check()


def test_the_requests_own_key_goes_to_the_provider_that_the_route_names_first_and_to_no_other():
    made = router({"fast": ["openai/gpt-4o", "groq/llama", "mistral/m"]}, named={"openai": {"a": "sk-a", "b": "sk-b"}})
    plan = made.plan(Question(provider_key="sk-mine"))
    assert [(way.name, key_of(way) if way.route else None) for way in plan.ways] == [
        ("openai/gpt-4o", "Bearer sk-mine"),
        ("groq/llama", "Bearer sk-groq"),
        ("mistral/m", None),
    ]


def test_a_projects_keys_go_before_the_gateways_and_behind_the_requests():
    made = router({"fast": ["openai/gpt-4o", "groq/llama", "mistral/m"]}, named={"openai": {"a": "sk-a", "b": "sk-b"}})
    theirs = {"openai": "sk-theirs", "mistral": "sk-theirs-too"}
    plan = made.plan(Question(project_keys=theirs))
    assert [(way.name, key_of(way)) for way in plan.ways] == [
        ("openai/gpt-4o", "Bearer sk-theirs"),
        ("groq/llama", "Bearer sk-groq"),
        ("mistral/m", "Bearer sk-theirs-too"),
    ]
    assert key_of(made.plan(Question(project_keys=theirs, provider_key="sk-mine")).ways[0]) == "Bearer sk-mine"


def test_one_callers_spent_key_does_not_make_anothers_rest():
    made = router({"fast": ["openai/gpt-4o", "groq/llama"]})
    mine, yours = (made.plan(Question(provider_key=key)) for key in ("sk-mine", "sk-yours"))
    made.table.health.failed(mine.ways[0].target, 30.0)
    assert made.plan(Question(provider_key="sk-mine")).first.provider == "groq"
    assert made.plan(Question(provider_key="sk-yours")).ways == yours.ways
    assert made.plan(Question()).first.provider == "openai"


def test_forward_style_has_one_way():
    plan = router({"fast": "groq/llama"}).plan(Question(forward_target="https://api.groq.com/openai/v1/models"))
    assert told(plan) == [("api.groq.com", "https://api.groq.com/openai/v1/models")]
