"""`agentic` over HTTP: the request's own model browses, what it picks is injected, and headers and trace say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script, ToolCall
from tests.e2e.answers import ANSWER
from tests.e2e.vaults import call, ingest

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

TOLD = ("I love hiking in the Dolomites", "My sister plays the cello")
ASKED = "What do I love?"
BODIES: dict[str, dict[str, Any]] = {
    "chat/completions": {"messages": [{"role": "user", "content": ASKED}]},
    "responses": {"input": ASKED},
    "messages": {"messages": [{"role": "user", "content": ASKED}], "max_tokens": 50},
}


def tell(gateway: GatewayProcess, user: str) -> str:
    """A vault of two facts; its key."""
    ingest(gateway, user, [{"role": "user", "content": text} for text in TOLD], session_id="earlier")
    return gateway.create_key(kind="vault", user=user)


def searches(word: str = "cello") -> Script:
    return Script(text="", tool_calls=(ToolCall("search", f'{{"query": "{word}"}}', "call_1"),))


def picks(word: str = "cello") -> Script:
    """Chooses by the number under which it was shown."""

    def answer(received: Any) -> str:
        shown = "\n".join(str(one["content"]) for one in received.json()["messages"])
        line = next(line for line in shown.splitlines() if word in line and line[:1].isdigit())
        return f"[{line.split()[0]}]"

    return Script(text=answer)


@pytest.mark.parametrize("style", ["router", "forward"])
@pytest.mark.parametrize("path", BODIES)
def test_the_requests_own_model_browses(
    gateway: GatewayProcess, provider: ScriptedProvider, path: str, style: str
) -> None:
    key = tell(gateway, f"browsing {path} {style}")
    is_unasked = (style, path) == ("forward", "messages")
    provider.then(*([] if is_unasked else [searches(), picks()]), Script(text=ANSWER))
    before = len(provider.requests)
    if style == "router":
        url, headers, model = gateway.base_url, {"Authorization": f"Bearer {key}"}, "openai/gpt-4o"
    else:
        url, model = gateway.forward_url, "gpt-4o"
        headers = {"Authorization": "Bearer sk-client", "X-Memory-Key": key}
    headers |= {"X-Memory-Strategy": "agentic", "X-Memory-Session": "now"}
    reply = httpx.post(f"{url}/{path}", json={"model": model, **BODIES[path]}, headers=headers, timeout=60)
    assert reply.status_code == 200, reply.text
    trace = call(gateway, "GET", f"traces/{reply.headers['x-memory-request-id']}")
    agentic = trace["recall"]["agentic"]
    if is_unasked:
        assert (reply.headers["x-memory-strategy"], agentic["fell_back"]) == ("balanced", "no_model")
        return
    assert ANSWER in reply.text
    assert reply.headers["x-memory-strategy"] == "agentic"
    assert [one["tool"] for one in agentic["calls"]] == ["search", "inject"]
    assert (agentic["steps"], agentic["fell_back"]) == (2, None)
    asked, chose, sent = provider.requests[before:]
    assert asked.path.endswith("/chat/completions")
    assert asked.header("authorization") == sent.header("authorization") == chose.header("authorization")
    assert asked.json()["model"] == "gpt-4o"
    injected = sent.body.decode()
    assert TOLD[1] in injected
    assert TOLD[0] not in injected


def test_where_the_model_fails_balanced_answers(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    key = tell(gateway, "browsing in vain")
    provider.then(Script(status=400), Script(text=ANSWER))
    headers = {"Authorization": f"Bearer {key}", "X-Memory-Strategy": "agentic"}
    body = {"model": "openai/gpt-4o", **BODIES["chat/completions"]}
    reply = httpx.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=60)
    assert reply.status_code == 200
    assert (reply.headers["x-memory-strategy"], reply.headers["x-memory-status"]) == ("balanced", "injected")
    trace = call(gateway, "GET", f"traces/{reply.headers['x-memory-request-id']}")
    assert trace["recall"]["agentic"]["fell_back"] == "refused_400"
    assert TOLD[0] in provider.last.body.decode()


def test_the_bound_of_steps_is_seen_in_the_trace(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    key = tell(gateway, "browsing without end")
    provider.then(*[searches()] * 6, Script(text=ANSWER))
    before = len(provider.requests)
    headers = {"Authorization": f"Bearer {key}", "X-Memory-Strategy": "agentic"}
    body = {"model": "openai/gpt-4o", **BODIES["chat/completions"]}
    reply = httpx.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=60)
    assert (reply.status_code, reply.headers["x-memory-strategy"]) == (200, "balanced")
    agentic = call(gateway, "GET", f"traces/{reply.headers['x-memory-request-id']}")["recall"]["agentic"]
    assert (agentic["fell_back"], agentic["steps"]) == ("steps", 6)
    assert {one["tool"] for one in agentic["calls"]} == {"search"}
    assert 0 < agentic["tokens"] <= 8000
    asked = provider.requests[before:-1]
    assert [len(one.json()["tools"]) for one in asked] == [7, 7, 7, 7, 7, 1]
    assert TOLD[0] in provider.last.body.decode()


def test_search_and_prepare_have_no_model_of_their_own(gateway: GatewayProcess) -> None:
    user = "browsing alone"
    tell(gateway, user)
    found = call(gateway, "POST", "search", {"user": user, "query": ASKED, "strategy": "agentic"})
    assert (found["strategy"], len(found["data"]) > 0) == ("balanced", True)
    trace = call(gateway, "GET", f"traces/{found['trace_id']}")
    assert trace["recall"]["agentic"]["fell_back"] == "no_model"
    prepared = call(gateway, "POST", "prepare", {"user": user, "strategy": "agentic", **BODIES["chat/completions"]})
    assert TOLD[0] in prepared["context"]
