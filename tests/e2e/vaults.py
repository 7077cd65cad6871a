"""What is in the gateway's vaults, asked over HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from recollect.client.http_flavour import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.e2e.gateway_process import GatewayProcess

WAIT_S = 30.0


def call(gateway: GatewayProcess, method: str, path: str, body: object = None, key: str | None = None) -> Any:
    """The JSON of a successful call to the memory surface."""
    reply = httpx.request(
        method,
        f"{gateway.base_url}/memory/{path}",
        json=body,
        headers={"X-Memory-Key": key or gateway.admin_key},
        timeout=60,
    )
    assert reply.is_success, reply.text
    return reply.json()


def ingest(gateway: GatewayProcess, user: str, messages: Sequence[dict[str, Any]], **fields: Any) -> Any:
    """Store messages, and return once they can be recalled."""
    return call(gateway, "POST", "ingest", {"user": user, "messages": list(messages), "wait": True, **fields})


def users(gateway: GatewayProcess) -> list[str]:
    """Every user of the project."""
    return [user["id"] for user in call(gateway, "GET", "users?limit=1000")["data"]]


def stored_texts(gateway: GatewayProcess, user: str, role: str | None = None) -> list[str]:
    """What the live branches of a user's sessions hold, session by session, oldest first."""
    if user not in users(gateway):
        return []
    found: list[str] = []
    for session in call(gateway, "GET", f"sessions?user={quote(user, safe='')}&limit=1000")["data"]:
        path = f"sessions/{quote(session['id'], safe='')}/messages?user={quote(user, safe='')}&limit=1000"
        messages = call(gateway, "GET", path)["data"]
        found += [message["text"] for message in messages if role in {None, message["role"]}]
    return found


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true while the gateway works in the background."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
