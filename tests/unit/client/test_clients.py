"""The clients: the SDK's behaviour, the memory keywords, and what comes back."""

from __future__ import annotations

import warnings
from typing import Any

import openai
import pytest
from openai import DefaultAsyncHttpxClient, DefaultHttpxClient
from pydantic import BaseModel

from recollect import AsyncRecollect, Recollect
from recollect.client.in_process import InProcessGateway
from recollect.client.transport import AsyncInProcessTransport, InProcessTransport

MESSAGES = [{"role": "user", "content": "What are my hobbies?"}]


class Hobby(BaseModel):
    hobby: str


@pytest.fixture
def client(gateway: InProcessGateway) -> Recollect:
    transport = InProcessTransport(gateway, lambda: None)
    return Recollect(
        base_url="http://localhost/v1", api_key="mk_1", http_client=DefaultHttpxClient(transport=transport)
    )


@pytest.fixture
def aclient(gateway: InProcessGateway) -> AsyncRecollect:
    http_client = DefaultAsyncHttpxClient(transport=AsyncInProcessTransport(gateway, lambda: None))
    return AsyncRecollect(base_url="http://localhost/v1", api_key="mk_1", http_client=http_client)


def test_it_is_the_sdks_client() -> None:
    assert issubclass(Recollect, openai.OpenAI)
    assert issubclass(AsyncRecollect, openai.AsyncOpenAI)


def test_keywords_travel_in_the_body(client: Recollect, fake: Any) -> None:
    client.chat.completions.create(
        model="openai/m",
        messages=MESSAGES,
        user_id="alice",
        agent_id="coach",
        run_id="r1",
        metadata={"topic": "sport"},
        filters={"topic": "sport"},
        limit=3,
        memory_mode="read",
        max_memory_tokens=200,
        extra_body={"top_k": 5},
    )
    request = fake.requests[0]
    assert request["headers"]["authorization"] == "Bearer mk_1"
    assert request["body"] == {
        "model": "openai/m",
        "messages": MESSAGES,
        "user_id": "alice",
        "agent_id": "coach",
        "run_id": "r1",
        "memory_metadata": {"topic": "sport"},
        "filters": {"topic": "sport"},
        "limit": 3,
        "memory_mode": "read",
        "memory_max_tokens": 200,
        "top_k": 5,
    }


def test_without_keywords_the_body_is_the_sdks(client: Recollect, fake: Any) -> None:
    client.chat.completions.create(model="m", messages=MESSAGES, user_id=None, metadata=None)
    assert fake.requests[0]["body"] == {"model": "m", "messages": MESSAGES, "metadata": None}


def test_metadata_is_the_providers_where_it_stores_the_completion(client: Recollect, fake: Any) -> None:
    client.chat.completions.create(model="m", messages=MESSAGES, metadata={"a": "b"}, store=True)
    assert fake.requests[0]["body"]["metadata"] == {"a": "b"}
    assert "memory_metadata" not in fake.requests[0]["body"]


def test_the_reply_carries_what_was_recalled(client: Recollect) -> None:
    reply = client.chat.completions.create(model="m", messages=MESSAGES, user_id="alice")
    memory = reply.metadata.memories[0]
    assert (memory.text, memory["text"], memory.get("nothing", 1)) == ("I love hiking", "I love hiking", 1)


def test_a_response_keeps_its_own_metadata_beside(client: Recollect) -> None:
    reply = client.responses.create(model="m", input="hobbies?", user_id="alice")
    assert reply.metadata == {"topic": "sport"}
    assert reply.metadata.memories[0].text == "I love hiking"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reply.model_dump()["metadata"] == {"topic": "sport"}


@pytest.mark.filterwarnings("error")
def test_parsed_replies_carry_it_too(client: Recollect, fake: Any) -> None:
    completion = client.chat.completions.parse(model="m", messages=MESSAGES, response_format=Hobby, user_id="alice")
    assert completion.choices[0].message.parsed == Hobby(hobby="hiking")
    assert completion.metadata.memories[0].text == "I love hiking"
    response = client.responses.parse(model="m", input="hobbies?", text_format=Hobby, user_id="alice")
    assert response.output_parsed == Hobby(hobby="hiking")
    assert response.metadata.memories[0].text == "I love hiking"
    assert [request["body"]["user_id"] for request in fake.requests] == ["alice", "alice"]


def test_raw_replies_have_headers_and_parse_to_the_same(client: Recollect) -> None:
    raw = client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES, user_id="alice")
    assert raw.headers["content-type"] == "application/json"
    assert raw.parse().metadata.memories[0].text == "I love hiking"


def test_streams_are_the_sdks(client: Recollect, fake: Any) -> None:
    stream = client.chat.completions.create(model="m", messages=MESSAGES, stream=True, user_id="alice")
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "hiking"
    assert "x-memory-verbose" not in fake.requests[0]["headers"]
    with client.chat.completions.stream(model="m", messages=MESSAGES, user_id="alice", metadata={"a": "b"}) as events:
        assert events.get_final_completion().choices[0].message.content == "hiking"
    assert fake.requests[1]["body"]["user_id"] == "alice"
    assert fake.requests[1]["body"]["memory_metadata"] == {"a": "b"}


def test_a_copy_keeps_memory_and_may_have_another_key(client: Recollect, fake: Any) -> None:
    copy = client.with_options(api_key="mk_1:read", max_retries=0)
    assert isinstance(copy, Recollect)
    reply = copy.chat.completions.create(model="m", messages=MESSAGES, user_id="alice")
    assert reply.metadata.memories
    assert fake.requests[0]["headers"]["authorization"] == "Bearer mk_1:read"


def test_no_key_sends_none_whatever_the_environment_says(
    gateway: InProcessGateway, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.delenv("RECOLLECT_API_KEY", raising=False)
    http_client = DefaultHttpxClient(transport=InProcessTransport(gateway, lambda: None))
    client = Recollect(http_client=http_client, provider_key="sk-mine").with_options(timeout=5)
    client.chat.completions.create(model="m", messages=MESSAGES)
    assert str(client.base_url) == "http://127.0.0.1:8000/v1/"
    assert "authorization" not in fake.requests[0]["headers"]
    assert fake.requests[0]["headers"]["x-provider-key"] == "sk-mine"


def test_the_environment_names_gateway_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOLLECT_BASE_URL", "http://memory.example/v1")
    monkeypatch.setenv("RECOLLECT_API_KEY", "mk_env")
    client = Recollect()
    assert (str(client.base_url), client.api_key) == ("http://memory.example/v1/", "mk_env")
    assert Recollect(api_key="mk_given").api_key == "mk_given"


def test_the_memory_surface(client: Recollect, fake: Any) -> None:
    receipt = client.memory.ingest("alice", [{"role": "user", "content": "hi"}], session_id="s", wait=True)
    found = client.memory.search("alice", "hobbies", limit=2, from_="2026-01-01T00:00:00Z")
    client.memory.sessions("a/b", limit=5)
    client.memory.erase_user("a/b")
    assert (receipt.stored, receipt.indexed) == (1, True)
    assert found.data[0].text == "I love hiking"
    sent = [(request["path"], request["query"], request["body"]) for request in fake.requests]
    assert sent == [
        (
            "/v1/memory/ingest",
            b"",
            {"user": "alice", "messages": [{"role": "user", "content": "hi"}], "session_id": "s", "wait": True},
        ),
        ("/v1/memory/search", b"", {"user": "alice", "query": "hobbies", "limit": 2, "from": "2026-01-01T00:00:00Z"}),
        ("/v1/memory/sessions", b"user=a%2Fb&limit=5", None),
        ("/v1/memory/users/a/b", b"", None),
    ]


async def test_the_asynchronous_client_does_all_of_it(aclient: AsyncRecollect, fake: Any) -> None:
    reply = await aclient.chat.completions.create(model="m", messages=MESSAGES, user_id="alice")
    assert reply.metadata.memories[0].text == "I love hiking"
    response = await aclient.responses.create(model="m", input="hobbies?", user_id="alice")
    assert response.metadata.memories[0].text == "I love hiking"
    parsed = await aclient.chat.completions.parse(model="m", messages=MESSAGES, response_format=Hobby, user_id="alice")
    assert parsed.metadata.memories[0].text == "I love hiking"
    stream = await aclient.chat.completions.create(model="m", messages=MESSAGES, stream=True, user_id="alice")
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "hiking"
    async with aclient.chat.completions.stream(model="m", messages=MESSAGES, user_id="alice") as events:
        assert (await events.get_final_completion()).choices[0].message.content == "hiking"
    found = await aclient.memory.search("alice", "hobbies")
    assert found.data[0].text == "I love hiking"
    assert {request["body"].get("user_id", "alice") for request in fake.requests} == {"alice"}
