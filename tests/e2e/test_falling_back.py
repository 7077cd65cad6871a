"""Routes with the SDKs: what has no answer at one provider has one at the next, in whatever dialect it is asked."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script
from tests.e2e import dialect_speakers as speakers
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import UPSTREAM_KEY, GatewayProcess, free_port
from tests.e2e.vaults import call, stored_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.testing.scripted_provider import ScriptedProvider

ROUTES = {
    "native": ["down/m", "openai/gpt-5"],
    "bridged": ["down/m", "anthropic/claude-opus-4-6"],
    "gpt-5-mini": {"models": "gpt-5-mini", "fallbacks": "anthropic/claude-opus-4-6"},
}
PATHS = {"chat": "chat/completions", "responses": "responses", "messages": "messages"}
THEIRS = "sk-theirs-0123456789"


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[GatewayProcess]:
    """A gateway whose first provider is never there."""
    running = GatewayProcess(
        tmp_path_factory.mktemp("routes") / "data",
        provider.base_url,
        flags=("--provider", f"down=http://127.0.0.1:{free_port()}/v1"),
        environment={
            "RECOLLECT_ROUTES": json.dumps(ROUTES),
            "RECOLLECT_RETRIES_COOLDOWN_FAILURES": "1000",
            "RECOLLECT_EMBEDDER_KIND": "none",
        },
    )
    running.start()
    running.admin_key = running.create_key(kind="admin")
    yield running
    running.kill()


def post(gateway: GatewayProcess, path: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{gateway.base_url}/{path}", json=body, headers={"X-Memory-Key": gateway.admin_key}, timeout=30)


@pytest.mark.parametrize("is_streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("route", "arrives"), [("native", {"messages": "chat/completions"}), ("bridged", dict.fromkeys(PATHS, "messages"))]
)
@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
def test_the_next_provider_answers_with_memory(
    routed: GatewayProcess,
    provider: ScriptedProvider,
    dialect: str,
    route: str,
    arrives: dict[str, str],
    *,
    is_streamed: bool,
) -> None:
    user = f"routes {dialect} {route} {is_streamed}".replace(" ", "-")
    call(routed, "POST", "ingest", {"user": user, "messages": [{"role": "user", "content": "My cat is Minka."}]})
    make = speakers.anthropic_client if dialect == "messages" else speakers.openai_client
    with make(routed.url, routed.admin_key, {"X-Memory-User": user, "X-Memory-Session": "later"}) as client:
        ask = partial(getattr(speakers, dialect), client)
        said, _ = ask(route, "What is the name of my cat?", is_streamed=is_streamed)
    assert said == ANSWER
    assert provider.last.path == f"/v1/{arrives.get(dialect, PATHS[dialect])}"
    assert "Minka" in provider.last.body.decode()
    assert stored_texts(routed, user) == ["What is the name of my cat?", ANSWER, "My cat is Minka."]


def test_completions_and_embeddings_have_routes_too(routed: GatewayProcess, provider: ScriptedProvider) -> None:
    for path, more in (("completions", {"prompt": "hi"}), ("embeddings", {"input": "hi"})):
        reply = post(routed, path, {"model": "native", **more})
        assert reply.status_code == httpx.codes.OK
        assert reply.headers["x-memory-upstream"] == "down/m=upstream_unreachable, openai/gpt-5=200"
        assert provider.last.json()["model"] == "gpt-5"


def test_a_route_in_the_place_of_a_model(routed: GatewayProcess, provider: ScriptedProvider) -> None:
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hi"}]}
    assert post(routed, "chat/completions", body).headers["x-memory-upstream"] == "openai/gpt-5-mini=200"
    provider.then(Script(status=404))
    reply = post(routed, "chat/completions", body)
    assert reply.headers["x-memory-upstream"] == "openai/gpt-5-mini=404, anthropic/claude-opus-4-6=200"
    assert reply.json()["choices"][0]["message"]["content"] == ANSWER


def test_routes_are_listed_as_models(routed: GatewayProcess) -> None:
    with speakers.openai_client(routed.url, routed.admin_key, {}) as client:
        assert {"native", "bridged", "gpt-5-mini"} <= {model.id for model in client.models.list()}
        assert client.models.retrieve("native").owned_by == "recollect"


def test_a_projects_key_goes_to_its_provider_and_no_further(routed: GatewayProcess, provider: ScriptedProvider) -> None:
    headers = {"X-Memory-Key": routed.admin_key}
    place = f"{routed.base_url}/memory/providers/openai"
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hi"}]}
    made = httpx.put(place, json={"key": THEIRS}, headers=headers)
    assert (made.status_code, THEIRS in made.text) == (200, False)
    try:
        post(routed, "chat/completions", body)
        assert provider.last.header("authorization") == f"Bearer {THEIRS}"
        provider.then(Script(status=401))
        post(routed, "chat/completions", body)
        assert provider.last.header("x-api-key") == UPSTREAM_KEY
        with speakers.openai_client(routed.url, routed.admin_key, {"X-Provider-Key": "sk-mine"}) as client:
            client.embeddings.create(model="openai/e", input="hi")
        assert provider.last.header("authorization") == "Bearer sk-mine"
    finally:
        httpx.delete(place, headers=headers)
    post(routed, "chat/completions", body)
    assert provider.last.header("authorization") == f"Bearer {UPSTREAM_KEY}"
