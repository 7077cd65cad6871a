"""Somebody moved, and says so in one sentence: where they live now, where they lived, and when, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from recollect.client.http_flavour import httpx
from tests.e2e.vaults import call, ingest

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

MARCH = "2026-03-15"
MAY = "2026-05-15"
SAID_AT = "2026-05-20T10:00:00Z"
MOVES = {
    "english": ("I moved from Porto to Lisbon in April", "Where do I live?", "Porto", "Lisbon"),
    "german": ("Ich bin im April von Porto nach Lissabon gezogen", "Wo wohne ich?", "Porto", "Lissabon"),
    "spanish": ("Me mudé de Oporto a Lisboa en abril", "¿Dónde vivo?", "Oporto", "Lisboa"),
}


@pytest.fixture(params=MOVES)
def mover(gateway: GatewayProcess, request: pytest.FixtureRequest) -> tuple[str, str, str, str]:
    """A user who has moved, the question for it, the old home and the new one."""
    told, asked, old, new = MOVES[request.param]
    user = f"mover in {request.param}"
    ingest(gateway, user, [{"role": "user", "content": told, "occurred_at": SAID_AT}], session_id="talk")
    body = {"user": user, "wait": True}
    assert call(gateway, "POST", "sessions/talk/process", body)["processed"] is True
    return user, asked, old, new


def homes(gateway: GatewayProcess, user: str, query: str) -> list[tuple[str, str | None, str | None]]:
    """What is listed of where they live, since when and until when."""
    found = call(gateway, "GET", f"memories?user={quote(user)}&kind=memory&attribute=home&{query}")["data"]
    return sorted((one["value"], day(one["valid_from"]), day(one["valid_to"])) for one in found)


def day(moment: str | None) -> str | None:
    return moment and moment[:10]


def test_one_present_home_and_one_past(gateway: GatewayProcess, mover: tuple[str, str, str, str]) -> None:
    user, _, old, new = mover
    assert homes(gateway, user, "") == [(new, "2026-04-01", None)]
    assert homes(gateway, user, "status=past") == [(old, None, "2026-04-01")]
    assert homes(gateway, user, f"as_of={MARCH}") == [(old, None, "2026-04-01")]
    assert homes(gateway, user, f"as_of={MAY}") == [(new, "2026-04-01", None)]


@pytest.mark.parametrize("strategy", ["low_latency", "balanced"])
def test_search_tells_what_was_so_then(
    gateway: GatewayProcess, mover: tuple[str, str, str, str], strategy: str
) -> None:
    user, asked, old, new = mover
    body = {"user": user, "query": asked, "as_of": MARCH, "strategy": strategy}
    texts = [one["text"] for one in call(gateway, "POST", "search", body)["data"]]
    assert texts == [f"home: {old}"]
    now = call(gateway, "POST", "search", {"user": user, "query": asked, "strategy": strategy})["data"]
    [memory] = [one for one in now if one["kind"] == "memory" and one["text"].startswith(f"home: {new}")]
    assert memory["sources"][0]["quote"] in MOVES["english"][0] + MOVES["german"][0] + MOVES["spanish"][0]


def test_so_do_prepare_and_requests(
    gateway: GatewayProcess, provider: ScriptedProvider, mover: tuple[str, str, str, str]
) -> None:
    user, asked, old, new = mover
    messages = [{"role": "user", "content": asked}]
    context = call(gateway, "POST", "prepare", {"user": user, "messages": messages, "as_of": MARCH})["context"]
    assert f"home: {old}" in context
    assert new not in context
    key = gateway.create_key(kind="vault", user=user)

    def sent(**fields: Any) -> str:
        body = {"model": "openai/gpt-4o", "messages": messages, "memory_mode": "read", **fields}
        headers = {"Authorization": f"Bearer {key}"}
        reply = httpx.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=60)
        assert reply.status_code == 200, reply.text
        return provider.last.body.decode()

    then = sent(as_of=MARCH)
    assert f"home: {old}" in then
    assert new not in then
    assert f"home: {new} (since 2026-04-01; before: {old})" in sent()
