"""What `agentic` is doing is seen in the stream that the client waits for, and no SDK stumbles over it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script
from tests.e2e.answers import ANSWER
from tests.e2e.test_browsing import ASKED, BODIES, TOLD, picks, searches, tell
from tests.e2e.vaults import stored_texts

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

AGENTIC = {"X-Memory-Strategy": "agentic", "X-Memory-Session": "now"}


def over_a_socket(gateway: GatewayProcess, key: str, path: str, **headers: str) -> str:
    """The bytes of a streamed reply, head and chunks as they are."""
    body = httpx.Request("POST", "http://x", json={"model": "openai/gpt-4o", "stream": True, **BODIES[path]}).content
    fields = {
        "Host": "gateway",
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **AGENTIC,
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as connection:
        connection.sendall(f"POST /v1/{path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@pytest.mark.parametrize("path", BODIES)
def test_raw_bytes(gateway: GatewayProcess, provider: ScriptedProvider, path: str) -> None:
    key = tell(gateway, f"progress raw {path}")
    provider.then(searches(), picks(), Script(text=ANSWER))
    received = over_a_socket(gateway, key, path, **{"Accept-Encoding": "gzip"})
    head, _, body = received.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200")
    assert "text/event-stream" in head
    told = [line for line in body.splitlines() if line.startswith(": recall")]
    assert told == [": recall step 1", ": recall search", ": recall step 2"]
    first = body.index(": recall search\n\n")
    assert first < body.index(": x-memory-strategy: agentic\n") < body.index("data:")
    assert ": x-memory-status: injected\n" in body
    assert TOLD[1] not in body
    assert TOLD[1] in provider.last.body.decode()
    assert provider.last.header("accept-encoding") in {None, "identity"}


def clients(gateway: GatewayProcess, key: str) -> dict[str, Any]:
    """What each SDK makes of a stream: its text."""
    sdk = openai.OpenAI(base_url=gateway.base_url, api_key=key, default_headers=AGENTIC, max_retries=0)
    claude = anthropic.Anthropic(base_url=gateway.url, api_key=key, default_headers=AGENTIC, max_retries=0)

    def chat() -> str:
        stream = sdk.chat.completions.create(model="openai/gpt-4o", stream=True, **BODIES["chat/completions"])
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    def responses() -> str:
        with sdk.responses.stream(model="openai/gpt-4o", **BODIES["responses"]) as stream:
            return str(stream.get_final_response().output_text)

    def messages() -> str:
        with claude.messages.stream(model="anthropic/claude", **BODIES["messages"]) as stream:
            return stream.get_final_text()

    return {"chat/completions": chat, "responses": responses, "messages": messages}


@pytest.mark.parametrize("path", BODIES)
def test_sdks(gateway: GatewayProcess, provider: ScriptedProvider, path: str) -> None:
    user = f"progress sdk {path}"
    key = tell(gateway, user)
    provider.then(searches(), picks(), Script(text=ANSWER))
    assert clients(gateway, key)[path]() == ANSWER
    assert TOLD[1] in provider.last.body.decode()
    assert ANSWER in stored_texts(gateway, user)


@pytest.mark.parametrize("path", BODIES)
def test_a_providers_error_is_raised_by_the_sdk(gateway: GatewayProcess, provider: ScriptedProvider, path: str) -> None:
    """The head has gone with status 200: the error is the stream's only event."""
    user = f"progress refused {path}"
    key = tell(gateway, user)
    provider.then(searches(), picks(), Script(status=400))
    with pytest.raises((openai.APIError, anthropic.APIError, RuntimeError)):
        clients(gateway, key)[path]()
    assert ASKED not in stored_texts(gateway, user)


def test_without_browsing_nothing_is_told_and_the_head_is_the_providers(
    gateway: GatewayProcess, provider: ScriptedProvider
) -> None:
    key = tell(gateway, "progress refused at once")
    provider.then(Script(status=401), Script(status=401))
    received = over_a_socket(gateway, key, "chat/completions")
    assert received.startswith("HTTP/1.1 401")
    assert ": recall" not in received
