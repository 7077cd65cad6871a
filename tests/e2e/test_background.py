"""A reply that the provider makes in the background is fetched by another request, and captured there, once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from recollect.testing.scripted_provider import Script
from tests.e2e.vaults import stored_texts

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

ASKED = "Write me a poem about the ferry to Ystad."
ANSWER = "Grey water, white wake."


def response(response_id: str, status: str, text: str | None = None) -> Script:
    """What a provider answers while it works, and when it is done."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    body: dict[str, Any] = {"id": response_id, "object": "response", "created_at": 1, "status": status}
    body |= {"background": True, "error": None, "model": "m", "output": [message] if text else [], "tools": []}
    body |= {"parallel_tool_calls": True, "tool_choice": "auto", "incomplete_details": None, "instructions": None}
    return Script(raw=json.dumps(body).encode())


@pytest.mark.parametrize("style", ["router", "forward"])
def test_the_reply_is_captured_where_it_is_fetched(
    gateway: GatewayProcess, provider: ScriptedProvider, style: str
) -> None:
    user, response_id = f"background {style}", f"resp_{style}"
    provider.then(
        response(response_id, "queued"),
        response(response_id, "in_progress"),
        response(response_id, "completed", ANSWER),
        response(response_id, "completed", ANSWER),
    )
    base_url = gateway.base_url if style == "router" else gateway.forward_url
    headers = {"X-Memory-Key": gateway.admin_key, "X-Memory-User": user}
    with OpenAI(base_url=base_url, api_key="none", default_headers=headers, max_retries=0) as client:
        assert client.responses.create(model="m", input=ASKED, background=True).status == "queued"
        assert stored_texts(gateway, user) == [ASKED]
        assert client.responses.retrieve(response_id).status == "in_progress"
        assert stored_texts(gateway, user) == [ASKED]
        for _ in range(2):
            assert client.responses.retrieve(response_id).output_text == ANSWER
            assert stored_texts(gateway, user) == [ASKED, ANSWER]


def test_what_is_fetched_in_a_mode_that_stores_nothing_is_not_captured(
    gateway: GatewayProcess, provider: ScriptedProvider
) -> None:
    user = "background read"
    provider.then(response("resp_read", "queued"), response("resp_read", "completed", ANSWER))
    headers = {"X-Memory-Key": gateway.admin_key, "X-Memory-User": user}
    with OpenAI(base_url=gateway.base_url, api_key="none", default_headers=headers, max_retries=0) as client:
        client.responses.create(model="m", input=ASKED, background=True)
        client.responses.retrieve("resp_read", extra_headers={"X-Memory-Mode": "read"})
    assert stored_texts(gateway, user) == [ASKED]


def test_another_projects_reply_is_not_captured(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    user = "background stranger"
    provider.then(response("resp_stranger", "queued"), response("resp_stranger", "completed", ANSWER))
    headers = {"X-Memory-Key": gateway.admin_key, "X-Memory-User": user}
    with OpenAI(base_url=gateway.base_url, api_key="none", default_headers=headers, max_retries=0) as client:
        client.responses.create(model="m", input=ASKED, background=True)
        client.responses.retrieve("resp_stranger", extra_headers={"X-Memory-Project": "another"})
    assert stored_texts(gateway, user) == [ASKED]
