"""Local inference: the provider is called directly, memory through ``prepare`` and ``ingest``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from recollect.client.http_flavour import httpx
from tests.e2e.vaults import stored_texts

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess


@pytest.mark.parametrize("root", ["", "/v1"])
def test_a_conversation_with_the_provider_itself(
    gateway: GatewayProcess, provider: ScriptedProvider, root: str
) -> None:
    user = f"local [{root}]"
    headers = {"Authorization": f"Bearer {gateway.create_key(kind='client')}"}

    def memory(path: str, body: dict[str, Any]) -> Any:
        url = f"{gateway.url}{root}/memory/{path}"
        reply = httpx.post(url, json={"user": user, **body}, headers=headers, timeout=60)
        assert reply.is_success, reply.text
        return reply.json()

    told = [
        {"role": "user", "content": "My name is Alice and I love hiking", "id": "m1"},
        {"role": "assistant", "content": "Nice to meet you, Alice.", "id": "m2"},
    ]
    first = memory("ingest", {"messages": told, "session_id": "monday", "wait": True})
    assert (first["stored"], first["duplicates"], first["session_id"], first["indexed"]) == (2, 0, "monday", True)
    again = memory("ingest", {"messages": told, "session_id": "monday", "wait": True})
    assert (again["stored"], again["duplicates"]) == (0, 2)

    gateway.restart()
    asked = [{"role": "user", "content": "What are my hobbies?"}]
    prepared = memory("prepare", {"messages": asked, "session_id": "tuesday"})
    assert "love hiking" in prepared["context"]
    assert prepared["memories"][0]["sources"][0]["external_id"] in {"m1", "m2"}
    assert prepared["tokens"] > 0
    with OpenAI(base_url=provider.base_url, api_key="sk", max_retries=0) as direct:
        direct.chat.completions.create(model="m", messages=prepared["messages"])
    assert prepared["context"].strip() in provider.last.json()["messages"][-1]["content"]
    assert stored_texts(gateway, user) == [message["content"] for message in told]

    found = memory("search", {"query": "hobbies", "limit": 1})
    assert found["object"] == "list"
    assert "hiking" in found["data"][0]["text"]
    assert found["took_ms"] >= 0
