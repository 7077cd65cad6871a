"""Mem0's page: its calls, with only the import, host and key changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import DefaultHttpxClient

from recollect.client.configuration import settings_from
from recollect.client.http_flavour import httpx
from recollect.compat.mem0 import Mem0
from recollect.errors import SettingsError

MESSAGES = [{"role": "user", "content": "I love Indian food but I'm allergic to cheese."}]
ANSWERS: dict[str, Any] = {
    "/v1/memory/ingest": {"stored": 1, "duplicates": 0, "session_id": "s", "indexed": True},
    "/v1/memory/search": {"data": [{"id": "m1", "text": "allergic to cheese", "score": 0.8}], "took_ms": 1.0},
    "/v1/memory/memories": {"data": [{"id": "m1", "text": "allergic to cheese"}], "has_more": False},
    "/v1/memory/memories/m1": {"id": "m1", "deleted": True},
    "/v1/memory/memories/m1/feedback": {"id": "m1"},
    "/v1/memory/memories/m1/history": {
        "data": [
            {"id": "m1", "version": 1, "text": "home: Porto", "recorded_at": "2026-03-01T00:00:00Z"},
            {"id": "m1", "version": 2, "text": "home: Lisbon", "recorded_at": "2026-05-01T00:00:00Z"},
        ],
        "has_more": False,
    },
    "/v1/memory/users/alice": {"id": "alice", "deleted": True},
    "/v1/chat/completions": {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Try dosa."}}],
        "metadata": {"memories": [{"id": "m1", "text": "allergic to cheese"}]},
    },
}


@pytest.fixture
def requests() -> list[tuple[str, str, Any]]:
    return []


@pytest.fixture
def client(requests: list[tuple[str, str, Any]]) -> Mem0:
    def answer(request: httpx.Request) -> httpx.Response:
        requests.append((request.method, request.url.path, json.loads(request.content or b"null")))
        return httpx.Response(200, json=ANSWERS[request.url.path])

    return Mem0(
        api_key="mk_1", host="http://gateway", http_client=DefaultHttpxClient(transport=httpx.MockTransport(answer))
    )


def test_a_call_for_a_user_is_remembered(client: Mem0, requests: list[tuple[str, str, Any]]) -> None:
    reply = client.chat.completions.create(
        messages=MESSAGES,
        model="gpt-4.1-nano-2025-04-14",
        user_id="alice",
        agent_id="waiter",
        run_id="evening",
        metadata={"place": "here"},
        filters={"place": "here"},
        limit=5,
    )
    assert reply.choices[0].message.content == "Try dosa."
    assert reply.metadata.memories[0].text == "allergic to cheese"
    assert requests[0][2] == {
        "messages": MESSAGES,
        "model": "gpt-4.1-nano-2025-04-14",
        "user_id": "alice",
        "agent_id": "waiter",
        "run_id": "evening",
        "memory_metadata": {"place": "here"},
        "filters": {"place": "here"},
        "limit": 5,
    }


def test_a_call_without_an_id_is_a_one_off(client: Mem0, requests: list[tuple[str, str, Any]]) -> None:
    client.chat.completions.create(messages=MESSAGES, model="gpt-4.1-nano-2025-04-14")
    assert requests[0][2]["memory_mode"] == "off"


def test_an_agent_or_a_run_alone_has_a_memory_of_its_own(client: Mem0, requests: list[tuple[str, str, Any]]) -> None:
    client.chat.completions.create(messages=MESSAGES, model="m", agent_id="waiter", top_k=3)
    body = requests[0][2]
    assert (body["user_id"], body["agent_id"], body["limit"]) == ("waiter", "waiter", 3)
    assert "memory_mode" not in body


def test_add_search_get_all_and_delete(client: Mem0, requests: list[tuple[str, str, Any]]) -> None:
    assert client.add("I'm allergic to cheese", user_id="alice")["stored"] == 1
    assert client.search("dinner", user_id="alice", limit=3)["results"][0]["memory"] == "allergic to cheese"
    assert client.mem0_client.get_all(user_id="alice")["results"][0]["id"] == "m1"
    client.delete("m1", user_id="alice")
    client.delete_all(user_id="alice")
    assert [(method, path) for method, path, _ in requests] == [
        ("POST", "/v1/memory/ingest"),
        ("POST", "/v1/memory/search"),
        ("GET", "/v1/memory/memories"),
        ("DELETE", "/v1/memory/memories/m1"),
        ("DELETE", "/v1/memory/users/alice"),
    ]


def test_memory_calls_need_an_id(client: Mem0) -> None:
    with pytest.raises(ValueError, match="One of user_id, agent_id, run_id must be provided"):
        client.search("dinner")


def test_mem0s_configuration_becomes_settings() -> None:
    with pytest.warns(UserWarning, match="vector_store 'qdrant'"):
        settings = settings_from(
            {
                "vector_store": {"provider": "qdrant", "config": {"host": "localhost", "port": 6333}},
                "llm": {"provider": "openai", "config": {"model": "gpt-4.1-nano", "api_key": "sk-1"}},
                "history_db_path": "/somewhere",
                "data_dir": "/data",
            }
        )
    assert settings == {
        "data_dir": "/data",
        "default_provider": "openai",
        "providers": {"openai": {"api_key": "sk-1"}},
    }


def test_a_configuration_of_another_shape_is_named() -> None:
    with pytest.raises(SettingsError, match="vector_store"):
        settings_from({"vector_store": "qdrant"})


def test_provider_keys_join_their_providers() -> None:
    settings = settings_from({"provider_keys": {"x": "sk"}, "providers": {"x": {"base_url": "http://x/v1"}}})
    assert settings == {"providers": {"x": {"base_url": "http://x/v1", "api_key": "sk"}}}


def test_a_memory_is_changed_and_judged_by_its_id(client: Mem0, requests: list[tuple[str, str, Any]]) -> None:
    with pytest.raises(ValueError, match="Give user_id"):
        client.update("m1", "I live in Lisbon")
    client.get_all(user_id="alice")
    assert client.update("m1", "I live in Lisbon") == {"message": "Memory updated successfully!"}
    client.update("m1", text="in Sintra", user_id="bob")
    client.feedback("m1", "NEGATIVE")
    client.get("m1")
    client.delete("m1")
    assert [(method, path) for method, path, _ in requests[1:]] == [
        ("PATCH", "/v1/memory/memories/m1"),
        ("PATCH", "/v1/memory/memories/m1"),
        ("POST", "/v1/memory/memories/m1/feedback"),
        ("GET", "/v1/memory/memories/m1"),
        ("DELETE", "/v1/memory/memories/m1"),
    ]
    assert [body for _, _, body in requests[1:4]] == [
        {"user": "alice", "text": "I live in Lisbon"},
        {"user": "bob", "text": "in Sintra"},
        {"user": "alice", "feedback": "wrong"},
    ]


def test_a_history_is_in_mem0s_form(client: Mem0) -> None:
    first, second = client.history("m1", user_id="alice")
    assert (first["event"], first["old_memory"], first["new_memory"]) == ("ADD", None, "home: Porto")
    assert (second["event"], second["old_memory"], second["new_memory"]) == ("UPDATE", "home: Porto", "home: Lisbon")


@pytest.mark.parametrize("filters", [{"user_id": "alice"}, {"AND": [{"user_id": "alice"}, {"topic": "food"}]}])
def test_a_user_may_be_named_among_the_filters(
    client: Mem0, requests: list[tuple[str, str, Any]], filters: dict[str, Any]
) -> None:
    client.search("dinner", filters=filters)
    sent = requests[0][2]
    assert (sent["user"], sent["filters"]) == ("alice", {"topic": "food"} if "AND" in filters else {})
    assert client.get_all(filters=filters)["results"][0]["memory"] == "allergic to cheese"
