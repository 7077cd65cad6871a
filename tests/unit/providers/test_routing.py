from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.errors import AuthenticationError, InvalidRequestError, PermissionDeniedError, RequestError
from recollect.providers.allow_list import build_allow_list
from recollect.providers.registry import load_registry, with_overrides
from recollect.providers.router import ProviderRouter
from recollect.providers.routing import resolve_forward_style, resolve_router_style

REGISTRY = load_registry()
ALLOW = build_allow_list(REGISTRY.values(), ["127.0.0.1:9000"])


def resolve(model, *, path="chat/completions", default="openai", key="sk-1", keys=None, registry=REGISTRY):
    return resolve_router_style(
        registry,
        path=path,
        model=model,
        default_provider=default,
        provider_key=key,
        environment_keys=keys or {},
    )


@pytest.mark.parametrize(
    ("model", "default", "provider", "left"),
    [
        ("openai/gpt-4o", "openai", "openai", "gpt-4o"),
        ("gpt-4o", "openai", "openai", None),
        (None, "openai", "openai", None),
        ("openrouter/openai/gpt-4o", "openai", "openrouter", "openai/gpt-4o"),
        ("together/meta-llama/Llama-3", "openai", "together", "meta-llama/Llama-3"),
        ("vercel/anthropic/claude", "openai", "vercel", "anthropic/claude"),
        ("Gemini/gemini-2.5-flash", "openai", "google", "gemini-2.5-flash"),
        ("ollama/llama3.2:3b", "openai", "ollama", "llama3.2:3b"),
        ("nousresearch/hermes", "openrouter", "openrouter", None),
        ("openai/gpt-4o", "openrouter", "openrouter", None),
        ("openrouter/auto", "openrouter", "openrouter", "auto"),
    ],
)
def test_who_serves_a_model(model, default, provider, left):
    route = resolve(model, default=default)
    assert (route.provider, route.model) == (provider, left)
    assert not route.is_pinned


def test_a_provider_with_a_key_of_its_own_goes_before_a_default_with_slashed_models():
    route = resolve("openai/gpt-4o", default="openrouter", key=None, keys={"openai": "sk-o", "openrouter": "sk-r"})
    assert route.provider == "openai"
    assert route.credentials == ((b"authorization", b"Bearer sk-o"),)


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("openai/m", "https://api.openai.com/v1/chat/completions"),
        ("google/m", "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"),
        ("perplexity/m", "https://api.perplexity.ai/chat/completions"),
        ("cohere/m", "https://api.cohere.ai/compatibility/v1/chat/completions"),
        ("ollama/m", "http://127.0.0.1:11434/v1/chat/completions"),
    ],
)
def test_the_path_is_appended_to_the_base_url(model, url):
    assert resolve(model).url == url


@pytest.mark.parametrize("path", ["messages", "messages?beta=true", "messages/count_tokens"])
@pytest.mark.parametrize("model", ["claude-opus-4-6", "anthropic/claude-opus-4-6", "Claude-X", None])
def test_anthropics_paths_and_models_are_anthropics(path, model):
    route = resolve(model, path=path)
    assert route.provider == "anthropic"
    assert route.url == f"https://api.anthropic.com/v1/{path}"
    assert (b"x-api-key", b"sk-1") in route.credentials


def test_other_models_on_anthropics_paths_go_where_they_always_go():
    assert resolve("gpt-5", path="messages").provider == "openai"
    assert resolve("groq/llama", path="messages").provider == "groq"
    assert resolve("claude-opus-4-6").provider == "openai"


def test_a_subscribers_token_is_sent_as_one():
    route = resolve("claude-opus-4-6", path="messages", key="sk-ant-oat01-x")
    assert (b"authorization", b"Bearer sk-ant-oat01-x") in route.credentials
    assert b"x-api-key" not in dict(route.credentials)


def test_the_query_goes_along():
    assert resolve(None, path="responses/r_1?stream=true&starting_after=3").url == (
        "https://api.openai.com/v1/responses/r_1?stream=true&starting_after=3"
    )


def test_the_requests_key_goes_before_the_environments():
    assert resolve("openai/m", key="sk-mine\n", keys={"openai": "sk-env"}).credentials == (
        (b"authorization", b"Bearer sk-mine"),
    )
    assert resolve("openai/m", key=None, keys={"openai": "sk-env"}).credentials == (
        (b"authorization", b"Bearer sk-env"),
    )


def test_a_key_is_sent_as_the_provider_wants_it():
    registry = with_overrides(
        REGISTRY, {"corp": {"base_url": "https://c.example", "key_header": "X-Api-Key", "key_prefix": "",
                            "extra_headers": {"X-Team": "one"}}}
    )  # fmt: skip
    assert resolve("corp/m", registry=registry).credentials == ((b"x-api-key", b"sk-1"), (b"x-team", b"one"))


def test_a_missing_key_says_where_to_put_it():
    with pytest.raises(AuthenticationError) as caught:
        resolve("groq/m", key=None)
    assert caught.value.code == "missing_provider_key"
    assert "GROQ_API_KEY" in caught.value.message
    assert "X-Provider-Key" in caught.value.message


def test_a_local_server_needs_no_key():
    assert resolve("ollama/m", key=None).credentials == ()


def test_an_unknown_prefix_names_those_that_are_known():
    with pytest.raises(InvalidRequestError) as caught:
        resolve("nobody/gpt-4o")
    assert (caught.value.code, caught.value.param) == ("unknown_provider", "model")
    assert "openrouter" in caught.value.message


def test_an_unknown_default_is_an_error_only_where_it_is_needed():
    assert resolve("openai/gpt-4o", default="nobody").provider == "openai"
    with pytest.raises(InvalidRequestError) as caught:
        resolve("gpt-4o", default="nobody")
    assert caught.value.code == "unknown_provider"


@pytest.mark.parametrize(
    "path", ["../admin", "files/../../admin", "files/%2e%2E/x", "files/.%2e/x", "a/..", "a\\..\\b"]
)
def test_paths_cannot_climb(path):
    with pytest.raises(InvalidRequestError) as caught:
        resolve(None, path=path)
    assert caught.value.code == "invalid_path"


@given(st.text(max_size=40))
def test_no_path_can_break_the_request_line(path):
    try:
        url = resolve(None, path=path).url
    except RequestError:
        return
    assert url.isascii()
    assert url.isprintable()
    assert not set(url) & set(' "<>\\^`{|}#')
    assert url.startswith("https://api.openai.com/v1/")


AZURE = with_overrides(REGISTRY, {"azure": {"base_url": "https://mine.openai.azure.com/"}})


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("chat/completions", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"),
        ("embeddings?x=1", "/openai/deployments/gpt-4o/embeddings?x=1&api-version=2024-10-21"),
        ("chat/completions?api-version=2025-01-01-preview",
         "/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01-preview"),
        ("responses", "/openai/responses?api-version=2024-10-21"),
        ("files/f_1", "/openai/files/f_1?api-version=2024-10-21"),
    ],
)  # fmt: skip
def test_azure_deployments(path, url):
    route = resolve("azure/gpt-4o", path=path, registry=AZURE)
    assert route.url == "https://mine.openai.azure.com" + url
    assert route.credentials == ((b"api-key", b"sk-1"),)
    assert route.model == "gpt-4o"


def test_azures_v1_api_needs_no_version():
    registry = with_overrides(REGISTRY, {"azure": {"base_url": "https://mine.openai.azure.com/openai/v1"}})
    assert resolve("azure/gpt-4o", registry=registry).url == "https://mine.openai.azure.com/openai/v1/chat/completions"


def test_azure_with_the_deployment_in_its_base_url():
    registry = with_overrides(REGISTRY, {"azure": {"base_url": "https://mine.openai.azure.com/openai/deployments/d"}})
    assert resolve("azure/x", registry=registry).url == (
        "https://mine.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"
    )


def test_azure_as_default_puts_an_unprefixed_model_into_the_path():
    route = resolve("gpt-4o", default="azure", registry=AZURE)
    assert "/deployments/gpt-4o/" in route.url
    assert route.model is None


def test_a_deployment_cannot_climb_out_of_its_path():
    assert "/deployments/..%2Fadmin%3Fx/" in resolve("azure/../admin?x", registry=AZURE).url


def test_azure_without_its_resource_says_so():
    with pytest.raises(InvalidRequestError) as caught:
        resolve("azure/gpt-4o")
    assert caught.value.code == "provider_not_configured"
    assert "providers.azure.base_url" in caught.value.message


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("https://api.openai.com/v1/chat/completions", None),
        ("https://api.openai.com/v1/files?limit=2&after=a%20b", None),
        ("https:/api.openai.com/v1/models", "https://api.openai.com/v1/models"),
        ("HTTPS://API.OpenAI.com./v1/models", "https://api.openai.com/v1/models"),
        ("https://api.openai.com:443/v1/models", "https://api.openai.com/v1/models"),
        ("https%3A%2F%2Fapi.openai.com%2Fv1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("https%3a%2f%2fapi.openai.com%2fv1/files?limit=2", "https://api.openai.com/v1/files?limit=2"),
        ("https://api.openai.com", None),
        ("https://api.openai.com/v1/x#frag", "https://api.openai.com/v1/x"),
        ("http://127.0.0.1:9000/v1/models", None),
        ("http://2130706433:9000/v1/models", "http://127.0.0.1:9000/v1/models"),
        ("https://mine.openai.azure.com/openai/deployments/d/chat/completions?api-version=1", None),
    ],
)
def test_forwarding(target, url):
    route = resolve_forward_style(target, allow=ALLOW)
    assert route.url == (url or target)
    assert route.is_pinned
    assert (route.provider, route.model, route.credentials) == (None, None, ())


@pytest.mark.parametrize(
    "target",
    [
        "", "api.openai.com/v1", "ftp://api.openai.com/v1", "file:///etc/passwd", "https://", "https:///v1",
        "https://user:pass@api.openai.com/v1", "https://api.openai.com@evil.example/v1", "https://@api.openai.com/",
        "https://api.openai.com%2f@evil.example/", "https://api.openai.com\\@evil.example/", "https://api openai.com/",
        "https://api.openai.com:0/v1", "https://api.openai.com:99999/v1", "https://api.openai.com:4x3/v1",
        "https://\u0430pi.openai.com/v1", "https://api.openai.com/v1/../../admin", "https://api.openai.com/%2e%2e/admin",
        "https%3A%2F%2Fapi.openai.com%2Fv1%3Fx%3D1/chat/completions", "https://api.openai.com%00.evil.example/",
        "https://[::1/v1", "http://127.0.0.1:9000.evil.example/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_urls_that_are_none(target):
    with pytest.raises(InvalidRequestError) as caught:
        resolve_forward_style(target, allow=ALLOW)
    assert caught.value.code == "invalid_forward_url"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/v1", "http://api.openai.com/v1", "https://api.openai.com:8443/v1",
        "https://api.openai.com.evil.example/v1", "http://127.0.0.1:9001/", "http://127.0.0.1/", "http://localhost:9000/",
        "https://169.254.169.254/latest/meta-data", "http://169.254.169.254/", "http://[::ffff:127.0.0.1]:9000/",
        "http://[::1]:9000/", "http://0x7f.1:9001/", "http://0/", "http://10.0.0.1/", "http://metadata.google.internal/",
    ],
)  # fmt: skip
def test_hosts_that_are_not_allowed(target):
    with pytest.raises(PermissionDeniedError) as caught:
        resolve_forward_style(target, allow=ALLOW)
    assert caught.value.code == "upstream_not_allowed"
    assert "--allow-upstream" in caught.value.message


@given(st.text(max_size=60))
def test_whatever_is_forwarded_to_is_on_the_list(text):
    for target in (text, "https://" + text, "https://api.openai.com" + text):
        try:
            route = resolve_forward_style(target, allow=ALLOW)
        except RequestError:
            continue
        place = route.url.split("/")[2].partition("?")[0]
        assert place in {"api.openai.com", "127.0.0.1:9000"} or place.endswith(".azure.com")
        assert route.url.isascii()
        assert route.url.isprintable()


@dataclass(frozen=True)
class Question:
    path: str = "chat/completions"
    query: str = ""
    model: str | None = "gpt-4o"
    forward_target: str | None = None
    provider_key: str | None = "sk-1"
    project_keys: dict[str, str] = field(default_factory=dict)


ROUTER = ProviderRouter(REGISTRY, ALLOW, "openai", {})


def test_the_router_knows_both_styles():
    assert ROUTER.route(Question(query="a=1")).url == "https://api.openai.com/v1/chat/completions?a=1"
    forwarded = ROUTER.route(Question(forward_target="https://api.groq.com/openai/v1/models"))
    assert forwarded.url == "https://api.groq.com/openai/v1/models"


def test_the_forwarded_query_is_the_clients_without_our_own():
    target = "https://api.openai.com/v1/files"
    assert ROUTER.route(Question(forward_target=target, query="limit=2")).url == target + "?limit=2"
    assert (
        ROUTER.route(Question(forward_target=target + "?limit=2&memory=off", query="limit=2")).url
        == target + "?limit=2"
    )
