"""The provider's prompt cache goes on hitting: one request's messages stand at the start of the next one's."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from tests.e2e.vaults import ingest

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

TURNS = [
    ("My sister Ingrid plays the cello in Oslo.", "Which instrument does my sister play?"),
    ("I am allergic to walnuts since childhood.", "What food am I allergic to?"),
    ("Our dog Biscuit is a nine year old beagle.", "What breed is our dog Biscuit?"),
    ("I ran the Berlin marathon in four hours.", "Which marathon did I run?"),
    ("My favourite painter is Vermeer of Delft.", "Who is my favourite painter?"),
    ("I work as a bridge engineer in Porto.", "What do I work as?"),
    ("We planted three apricot trees behind the house.", "Which trees did we plant behind the house?"),
    ("My old bicycle is a green Peugeot.", "What colour is my old bicycle?"),
    ("I learned Georgian from my neighbour Nino.", "Who taught me Georgian?"),
    ("The boat that I sail is called Halcyon.", "What is the name of the boat that I sail?"),
]
FILLER = [f"Note {n}: the meeting about budget line {n * 7} was moved to room {n}." for n in range(40)]
HEADERS = {"X-Memory-Max-Tokens": "100", "X-Memory-Session": "today", "X-Memory-Threshold": "0.1"}


def raw_list(body: bytes, field: str) -> str:
    """A list of a request's body, as it stands there."""
    text = body.decode()
    start = text.index(f'"{field}":') + len(field) + 3
    start += len(text[start:]) - len(text[start:].lstrip())
    _, end = json.JSONDecoder().raw_decode(text, start)
    return text[start:end]


@pytest.fixture
def user(gateway: GatewayProcess, request: pytest.FixtureRequest) -> str:
    """A user who once told ten things, among much else."""
    name = f"prefix {request.node.name}"
    tell(gateway, name)
    return name


def tell(gateway: GatewayProcess, user: str) -> None:
    """Ten things, among much else."""
    for number, (fact, _) in enumerate(TURNS):
        said = [fact, *FILLER[number * 4 : number * 4 + 4]]
        ingest(gateway, user, [{"role": "user", "content": text} for text in said], session_id=f"old {number}")


def check(provider: ScriptedProvider, field: str) -> None:
    """Each request continues the one before, something new is recalled in each, and the fact asked for is there."""
    lists = [raw_list(request.body, field) for request in provider.requests[-len(TURNS) :]]
    for before, after in pairwise(lists):
        assert after.startswith(before[:-1])
    for index, (fact, _) in enumerate(TURNS):
        newest = lists[index][len(lists[index - 1]) - 1 :] if index else lists[0]
        assert "</memory-" in newest
        assert fact in lists[index]


def test_chat_requests_grow_at_their_end_only(gateway: GatewayProcess, provider: ScriptedProvider, user: str) -> None:
    messages: list[Any] = [{"role": "system", "content": "You are a helpful assistant."}]
    with OpenAI(base_url=gateway.base_url, api_key=gateway.admin_key, max_retries=0) as client:
        for _, question in TURNS:
            messages.append({"role": "user", "content": question})
            reply = client.chat.completions.create(
                model="openai/m", messages=messages, user=user, extra_headers=HEADERS
            )
            messages.append({"role": "assistant", "content": reply.choices[0].message.content})
    check(provider, "messages")


def test_responses_requests_grow_at_their_end_only(
    gateway: GatewayProcess, provider: ScriptedProvider, user: str
) -> None:
    items: list[Any] = []
    with OpenAI(base_url=gateway.base_url, api_key=gateway.admin_key, max_retries=0) as client:
        for _, question in TURNS:
            items.append({"role": "user", "content": [{"type": "input_text", "text": question}]})
            reply = client.responses.create(model="openai/m", input=items, user=user, extra_headers=HEADERS)
            items += [item.model_dump(exclude_none=True) for item in reply.output]
    check(provider, "input")
