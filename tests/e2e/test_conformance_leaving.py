"""Clients that leave before the first byte, in mid-stream and after the last: the provider is let go at once."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from recollect.testing.scripted_provider import Script
from tests.e2e.vaults import eventually, stored_texts

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

TEXT = "One two three four five six seven eight nine ten."
ASKED = "Count for me, please."
ATTEMPTS = 3
LIMIT_S = 0.1
"""Of several attempts the quickest counts: what a busy machine adds is not the gateway's."""
BODIES: dict[str, dict[str, Any]] = {
    "chat/completions": {"model": "openai/m", "messages": [{"role": "user", "content": ASKED}]},
    "responses": {"model": "openai/m", "input": ASKED},
    "embeddings": {"model": "openai/m", "input": ASKED},
}


def begin(gateway: GatewayProcess, path: str, user: str, *, is_streamed: bool) -> http.client.HTTPConnection:
    """Send a request, and read nothing of its reply."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    body = json.dumps({**BODIES[path], "stream": is_streamed} if is_streamed else BODIES[path])
    headers = {"Content-Type": "application/json", "X-Memory-Key": gateway.admin_key, "X-Memory-User": user}
    connection.request("POST", f"/v1/{path}", body, headers)
    return connection


def seconds_until_let_go(
    gateway: GatewayProcess, provider: ScriptedProvider, connection: http.client.HTTPConnection, count: int
) -> float:
    """Leave, once the provider has the request."""
    assert provider.wait_for(count, 10)
    left_at = time.monotonic()
    if connection.sock is not None:
        connection.sock.close()
    connection.close()
    assert provider.last.left.wait(10)
    return time.monotonic() - left_at


@pytest.mark.parametrize("is_streamed", [True, False])
@pytest.mark.parametrize("path", BODIES)
def test_before_the_first_byte(
    gateway: GatewayProcess, provider: ScriptedProvider, path: str, is_streamed: bool
) -> None:
    taken = []
    users = [f"gone early from {path} {is_streamed} {number}" for number in range(ATTEMPTS)]
    for user in users:
        provider.then(Script(hang="before_head"))
        count = len(provider.requests) + 1
        connection = begin(gateway, path, user, is_streamed=is_streamed)
        taken.append(seconds_until_let_go(gateway, provider, connection, count))
    assert min(taken) < LIMIT_S
    assert [user for user in users if stored_texts(gateway, user) not in ([], [ASKED])] == []


@pytest.mark.parametrize("path", ["chat/completions", "responses"])
def test_in_mid_stream(gateway: GatewayProcess, provider: ScriptedProvider, path: str) -> None:
    taken = []
    users = [f"gone amid {path} {number}" for number in range(ATTEMPTS)]
    for user in users:
        provider.then(Script(text=TEXT, pieces=10, delay_s=0.2))
        count = len(provider.requests) + 1
        connection = begin(gateway, path, user, is_streamed=True)
        reply = connection.getresponse()
        while b"One" not in reply.readline():
            assert not reply.isclosed()
        reply.close()
        taken.append(seconds_until_let_go(gateway, provider, connection, count))
    assert min(taken) < LIMIT_S
    assert eventually(lambda: all(stored_texts(gateway, user, "user") == [ASKED] for user in users))


@pytest.mark.parametrize("path", ["chat/completions", "responses"])
def test_after_the_last_byte(gateway: GatewayProcess, provider: ScriptedProvider, path: str) -> None:
    user = f"gone after {path}"
    provider.then(Script(text=TEXT))
    connection = begin(gateway, path, user, is_streamed=True)
    assert connection.getresponse().read()
    connection.close()
    assert eventually(lambda: stored_texts(gateway, user) == [ASKED, TEXT])
    assert not provider.last.left.is_set()
