"""Told today, the process killed, asked tomorrow: what was said is in what the provider receives.

Every call of the pages that people come from, written anew: their SDKs unmodified, only host and key changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import UPSTREAM_KEY
from tests.e2e.speakers import SPEAKERS, Access

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

TOLD = "My name is Alice and I love hiking"
ASKED = "What are my hobbies?"
CLIENTS_PROVIDER_KEY = "sk-client-secret"
STYLES = ("router", "forward", "recallr")
CASES = [(style, name) for style in STYLES for name in SPEAKERS]


def router_style(gateway: GatewayProcess, number: int) -> Access:
    """One URL and the user's own memory key."""
    return Access(gateway.base_url, gateway.create_key(kind="vault", user=f"alice {number}"), "openai/gpt-5.5")


def forward_style(gateway: GatewayProcess, number: int) -> Access:
    """The provider's URL behind the gateway's, the provider's key as before, memory in headers."""
    return Access(
        f"{gateway.url}/forward/{gateway.provider_url}",
        CLIENTS_PROVIDER_KEY,
        "gpt-4o-mini",
        {"X-Memory-Key": gateway.create_key(kind="client")},
        {"X-Memory-User": f"alice {number}"},
    )


def recallr_style(gateway: GatewayProcess, number: int) -> Access:
    """The same in another system's spelling."""
    return Access(
        gateway.forward_url,
        CLIENTS_PROVIDER_KEY,
        "gpt-4o-mini",
        {
            "X-Recallr-API-Key": gateway.create_key(kind="client"),
            "X-Recallr-Project-Id": "project-id",
            "X-Recallr-Allow-New-User-Creation": "true",
            "X-Recallr-Session-Timeout-Seconds": "600",
        },
        {"X-Recallr-User-Id": f"alice-{number}", "X-Recallr-Recall-Strategy": "low_latency"},
    )


ACCESS = {"router": router_style, "forward": forward_style, "recallr": recallr_style}


@pytest.fixture(scope="module")
def accesses(gateway: GatewayProcess, provider: ScriptedProvider) -> dict[tuple[str, str], Access]:
    """Everybody has said who they are, each through a client and a vault of their own; then the process was killed."""
    made: dict[tuple[str, str], Access] = {}
    for number, (style, name) in enumerate(CASES):
        access = ACCESS[style](gateway, number)
        assert SPEAKERS[name](access, TOLD) == ANSWER
        made[style, name] = access
    gateway.restart()
    return made


@pytest.mark.parametrize(("style", "name"), CASES)
def test_what_was_told_is_recalled_after_a_kill(
    accesses: dict[tuple[str, str], Access], provider: ScriptedProvider, style: str, name: str
) -> None:
    access = accesses[style, name]
    assert SPEAKERS[name](access, ASKED) == ANSWER
    received = provider.last
    assert ASKED in received.body.decode()
    assert "love hiking" in received.body.decode()
    expected = UPSTREAM_KEY if style == "router" else CLIENTS_PROVIDER_KEY
    assert received.header("authorization") == f"Bearer {expected}"
    assert received.json()["model"] == access.model.removeprefix("openai/")
    names = [name.lower() for name, _ in received.headers]
    ours = [name for name in names if name.startswith(("x-memory", "x-recallr", "x-provider"))]
    assert ours == []
    assert "mk_" not in received.body.decode() + str(received.headers)
