"""What is known and said, over HTTP: in search, prepare and requests, as of a time, and by what the filters name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from recollect.client.http_flavour import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

    Memory = Callable[..., Any]

PORTO = {"role": "user", "content": "I live in Porto, near the river.", "metadata": {"topic": "home"}}
LISBON = {"role": "user", "content": "I moved to Lisbon today.", "metadata": {"topic": "move"}}
ASKED = [{"role": "user", "content": "Where do I live?"}]


@pytest.fixture
def headers(gateway: GatewayProcess, request: pytest.FixtureRequest) -> dict[str, str]:
    """A project of the test's own."""
    key = gateway.create_key(kind="client")
    return {"Authorization": f"Bearer {key}", "X-Memory-Project": request.node.name.partition("[")[0][:60]}


@pytest.fixture
def memory(gateway: GatewayProcess, headers: dict[str, str]) -> Memory:
    """Call the memory surface for one user."""

    def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"{gateway.url}/v1/memory/{path}"
        sent = {"params": {"user": "ann"}} if body is None else {"json": {"user": "ann", **body}}
        reply = httpx.request(method, url, headers=headers, timeout=60, **sent)
        assert reply.is_success, reply.text
        return reply.json()

    return call


@pytest.fixture
def moved(memory: Memory) -> str:
    """Somebody has moved; the moment before they said so."""
    memory("POST", "ingest", {"messages": [PORTO], "session_id": "one", "wait": True})
    before = datetime.now(UTC).isoformat()
    memory("POST", "ingest", {"messages": [LISBON], "session_id": "two", "wait": True})
    for session in ("one", "two"):
        assert memory("POST", f"sessions/{session}/process", {"wait": True})["processed"]
    return before


def texts(found: list[dict[str, Any]], kind: str) -> list[str]:
    return [one["text"] for one in found if one["kind"] == kind]


def test_search_tells_what_is_known_with_its_sources(memory: Memory, moved: str) -> None:
    found = memory("POST", "search", {"query": "Where do I live? Porto"})["data"]
    (current,) = [one for one in found if one["kind"] == "memory" and one["text"].startswith("home: Lisbon")]
    assert "before: Porto" in current["text"]
    assert [one["quote"] in LISBON["content"] for one in current["sources"]] == [True]
    assert memory("GET", f"memories/{current['id']}")["value"] == "Lisbon"
    assert len(texts(found, "passage")) == 2


def test_search_as_of_a_time_quotes_nothing_later(memory: Memory, moved: str) -> None:
    then = memory("POST", "search", {"query": "Where do I live?", "as_of": moved})["data"]
    assert texts(then, "passage") == [PORTO["content"]]


def test_search_by_metadata(memory: Memory, moved: str) -> None:
    found = memory("POST", "search", {"query": "Where do I live?", "filters": {"topic": "home"}})["data"]
    assert texts(found, "passage") == [PORTO["content"]]
    assert not any("Lisbon" in one["text"] for one in found)


def test_prepare_as_of_a_time_and_by_metadata(memory: Memory, moved: str) -> None:
    now = memory("POST", "prepare", {"messages": ASKED, "session_id": "now"})
    assert "Lisbon" in now["context"]
    then = memory("POST", "prepare", {"messages": ASKED, "session_id": "then", "as_of": moved})
    assert (PORTO["content"] in then["context"], LISBON["content"] in then["context"]) == (True, False)
    home = memory("POST", "prepare", {"messages": ASKED, "session_id": "home", "filters": {"topic": "home"}})
    assert ("Porto" in home["context"], "Lisbon" in home["context"]) == (True, False)


def test_a_request_as_of_a_time(
    memory: Memory, moved: str, gateway: GatewayProcess, headers: dict[str, str], provider: ScriptedProvider
) -> None:
    own = {"X-Memory-Project": headers["X-Memory-Project"], "X-Memory-User": "ann", "X-Memory-Mode": "read"}
    key = headers["Authorization"].removeprefix("Bearer ")
    with OpenAI(base_url=gateway.base_url, api_key=key, default_headers=own, max_retries=0) as client:
        client.chat.completions.create(model="openai/m", messages=ASKED, extra_headers={"X-Memory-As-Of": moved})
        then = provider.last.body.decode()
        asked = [{"role": "user", "content": "And where do I live now?"}]
        client.chat.completions.create(model="openai/m", messages=asked)
        now = provider.last.body.decode()
    assert (PORTO["content"] in then, LISBON["content"] in then) == (True, False)
    assert LISBON["content"] in now


def test_what_somebody_corrects_and_forgets_is_what_is_recalled(memory: Memory, moved: str) -> None:
    (home,) = [one for one in memory("GET", "memories")["data"] if one.get("attribute") == "home"]
    memory("PATCH", f"memories/{home['id']}", {"value": "Sintra", "is_pinned": True})
    found = memory("POST", "search", {"query": "Where do I live? Sintra"})["data"]
    assert any(text.startswith("home: Sintra") for text in texts(found, "memory"))
    memory("POST", f"memories/{home['id']}/feedback", {"feedback": "never_use"})
    found = memory("POST", "search", {"query": "Where do I live? Sintra"})["data"]
    assert not any("Sintra" in text for text in texts(found, "memory"))
    memory("POST", "memories", {"attribute": "allergy", "value": "peanuts", "text": "I cannot eat peanuts"})
    found = memory("POST", "search", {"query": "Which peanuts?"})["data"]
    assert "I cannot eat peanuts" in texts(found, "passage")
    assert any(text == "allergy: peanuts" for text in texts(found, "memory"))
