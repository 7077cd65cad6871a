"""The log of requests, of exchanges with the real SDKs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script
from tests.e2e.answers import ANSWER
from tests.e2e.speakers import SPEAKERS, Access
from tests.e2e.vaults import call, ingest

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

FACT = "I love hiking in the Dolomites"
ASKED = "Where do I love hiking?"
STAGES = {"authenticate", "resolve", "recall", "inject", "forward", "relay"}


def logged(gateway: GatewayProcess, user: str) -> list[dict]:
    return call(gateway, "GET", f"requests?user={user}")["data"]


@pytest.mark.parametrize(
    "surface", ["python chat", "python chat stream", "python responses", "python responses stream"]
)
def test_an_exchange_with_memory_is_in_the_log(gateway: GatewayProcess, surface: str) -> None:
    user = f"logged-{surface.replace(' ', '-')}"
    ingest(gateway, user, [{"role": "user", "content": FACT}], session_id="earlier")
    key = gateway.create_key(kind="vault", user=user)
    assert SPEAKERS[surface](Access(gateway.base_url, key, "openai/m"), ASKED) == ANSWER
    (one,) = logged(gateway, user)
    assert (one["status"], one["error"], one["provider"], one["model"]) == (200, None, "openai", "m")
    assert one["is_streamed"] is surface.endswith("stream")
    assert set(one["stage_ms"]) == STAGES
    assert one["memory"]["status"] == "injected"
    assert one["memory"]["count"] == len(one["memory"]["memories"]) > 0
    assert one["memory"]["stored"] == "yes"
    assert one["usage"]["input_tokens"] > 0
    assert one["upstream"][-1]["outcome"] == "200"
    assert one["key_id"].startswith("key_")
    assert call(gateway, "GET", f"requests/{one['id']}") == one
    told = str(one)
    assert FACT not in told
    assert ASKED not in told
    assert ANSWER not in told


def test_memory_off_pass_through_and_errors_are_in_the_log(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    user = "logged-without-memory"
    key = gateway.create_key(kind="client")
    headers = {"X-Memory-Key": key, "X-Memory-User": user}
    body = {"model": "openai/m", "messages": [{"role": "user", "content": "hi"}]}
    off = {**headers, "X-Memory-Mode": "off"}
    assert httpx.post(f"{gateway.base_url}/chat/completions", json=body, headers=off).status_code == 200
    embedding = {"model": "openai/e", "input": "hi"}
    assert httpx.post(f"{gateway.base_url}/embeddings", json=embedding, headers=headers).status_code == 200
    provider.then(Script(status=404))
    failed = httpx.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers)
    assert failed.status_code == 404
    unknown = {**body, "model": "nobody/m"}
    refused = httpx.post(f"{gateway.base_url}/chat/completions", json=unknown, headers=headers)
    found = logged(gateway, user)
    assert [one["id"] for one in found[:2]] == [
        refused.headers["x-memory-request-id"],
        failed.headers["x-memory-request-id"],
    ]
    assert found[0]["error"] == refused.json()["error"]["code"]
    assert [(one["path"], one["status"]) for one in found] == [
        ("chat/completions", refused.status_code),
        ("chat/completions", 404),
        ("embeddings", 200),
        ("chat/completions", 200),
    ]
    assert found[3]["memory"]["mode"] == "off"


def test_erasing_a_user_erases_their_requests(gateway: GatewayProcess) -> None:
    user = "logged-and-erased"
    key = gateway.create_key(kind="vault", user=user)
    SPEAKERS["python chat"](Access(gateway.base_url, key, "openai/m"), ASKED)
    assert len(logged(gateway, user)) == 1
    call(gateway, "DELETE", f"users/{user}")
    assert logged(gateway, user) == []


def test_shadow_goes_out_untouched_and_tells_what_it_would_have_injected(
    gateway: GatewayProcess, provider: ScriptedProvider
) -> None:
    user = "shadowed"
    ingest(gateway, user, [{"role": "user", "content": FACT}], session_id="earlier")
    key = gateway.create_key(kind="client")
    headers = {"X-Memory-Key": key, "X-Memory-User": user, "X-Memory-Mode": "shadow"}
    body = b'{"model":"m",  "messages":[{"role":"user","content":"Where do I love hiking?"}]}'
    reply = httpx.post(
        f"{gateway.base_url}/chat/completions", content=body, headers={**headers, "content-type": "application/json"}
    )
    assert reply.status_code == 200
    assert provider.last.body == body
    (one,) = logged(gateway, user)
    assert one["memory"]["status"] == "shadow"
    assert one["memory"]["count"] > 0
    trace = call(gateway, "GET", f"traces/{one['id']}")
    assert FACT in trace["injected"]
    assert trace["recall"]["selected"]
