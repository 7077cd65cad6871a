"""``recollect.Recollect`` and Mem0's client, against a gateway and inside the process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from recollect import AsyncRecollect, Recollect
from recollect.compat.mem0 import Mem0
from recollect.testing.scripted_provider import Script
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import UPSTREAM_KEY
from tests.e2e.vaults import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

TOLD = [{"role": "user", "content": "My name is Alice and I love hiking"}]
ASKED = [{"role": "user", "content": "What are my hobbies?"}]
QDRANT = {"vector_store": {"provider": "qdrant", "config": {"host": "localhost", "port": 6333}}}


def config_of(data_dir: Path, provider: ScriptedProvider) -> dict[str, Any]:
    """A gateway inside the process."""
    return {
        "data_dir": str(data_dir),
        "providers": {"openai": {"base_url": provider.base_url}},
        "provider_keys": {"openai": UPSTREAM_KEY},
        "recall": {"deadline_low_latency_ms": 5000, "deadline_balanced_ms": 5000},
    }


@pytest.fixture(params=["gateway", "in process"])
def options(
    request: pytest.FixtureRequest, gateway: GatewayProcess, provider: ScriptedProvider, tmp_path: Path
) -> dict[str, Any]:
    """What a client is made with, in both forms."""
    if request.param == "gateway":
        project = {"X-Memory-Project": request.node.name}
        return {"base_url": gateway.base_url, "api_key": gateway.create_key(kind="client"), "default_headers": project}
    return {"config": config_of(tmp_path / "data", provider)}


def test_what_was_told_is_recalled(options: dict[str, Any], provider: ScriptedProvider) -> None:
    with Recollect(**options) as client:
        client.chat.completions.create(model="openai/m", messages=TOLD, user_id="alice", run_id="monday")
    with Recollect(**options) as client:
        reply = client.chat.completions.create(model="openai/m", messages=ASKED, user_id="alice", run_id="tuesday")
        assert "love hiking" in provider.last.body.decode()
        assert "user_id" not in provider.last.json()
        assert reply.choices[0].message.content == ANSWER
        (recalled,) = [memory for memory in reply.metadata.memories if "love hiking" in memory.text]
        assert (recalled.role, recalled.session_id, recalled.kind) == ("user", "monday", "passage")
        assert recalled.sources[0]["message_id"] == recalled.id
        response = client.responses.create(model="openai/m", input="What are my hobbies?", user_id="alice")
        assert "love hiking" in provider.last.body.decode()
        assert any("love hiking" in memory.text for memory in response.metadata.memories)
        assert response.output_text == ANSWER
        stream = client.chat.completions.create(model="openai/m", messages=ASKED, user_id="alice", stream=True)
        assert "".join(c.choices[0].delta.content or "" for c in stream if c.choices) == ANSWER
        assert "love hiking" in provider.last.body.decode()
        other = client.chat.completions.create(model="openai/m", messages=ASKED, user_id="bob")
        assert other.metadata.memories == []
        assert "hiking" not in provider.last.body.decode()


async def test_what_was_told_is_recalled_async(options: dict[str, Any], provider: ScriptedProvider) -> None:
    async with AsyncRecollect(**options) as client:
        await client.chat.completions.create(model="openai/m", messages=TOLD, user_id="alice", run_id="monday")
        reply = await client.chat.completions.create(
            model="openai/m", messages=ASKED, user_id="alice", run_id="tuesday"
        )
        assert any("love hiking" in memory.text for memory in reply.metadata.memories)
        events = await client.responses.create(
            model="openai/m", input="What are my hobbies?", user_id="alice", stream=True
        )
        text = "".join([event.delta async for event in events if event.type == "response.output_text.delta"])
        assert text == ANSWER
        assert "love hiking" in provider.last.body.decode()


def test_metadata_restricts_what_is_recalled(options: dict[str, Any], provider: ScriptedProvider) -> None:
    with Recollect(**options) as client:
        for topic, text in (("sport", "I love hiking"), ("food", "I love ramen")):
            said = [{"role": "user", "content": text}]
            client.chat.completions.create(
                model="openai/m", messages=said, user_id="alice", run_id=topic, metadata={"topic": topic}
            )
        asked = [{"role": "user", "content": "What do I love?"}]
        client.chat.completions.create(
            model="openai/m", messages=asked, user_id="alice", run_id="new", filters={"topic": "food"}
        )
        assert "I love ramen" in provider.last.body.decode()
        assert "I love hiking" not in provider.last.body.decode()
        assert "metadata" not in provider.last.json()


def test_structured_outputs_and_raw_responses(options: dict[str, Any], provider: ScriptedProvider) -> None:
    class Hobby(BaseModel):
        hobby: str

    provider.then(Script(text='{"hobby": "hiking"}'))
    with Recollect(**options) as client:
        parsed = client.chat.completions.parse(model="openai/m", messages=ASKED, response_format=Hobby, user_id="alice")
        assert parsed.choices[0].message.parsed == Hobby(hobby="hiking")
        assert provider.last.json()["response_format"]["type"] == "json_schema"
        raw = client.chat.completions.with_raw_response.create(model="openai/m", messages=ASKED, user_id="alice")
        assert raw.headers["X-Memory-User"] == "alice"
        assert raw.headers["X-Memory-Stored"] == "yes"


def test_the_memory_surface(options: dict[str, Any], provider: ScriptedProvider) -> None:
    with Recollect(**options) as client:
        receipt = client.memory.ingest("alice", TOLD, session_id="monday", wait=True)
        assert (receipt.stored, receipt.session_id, receipt.indexed) == (1, "monday", True)
        found = client.memory.search("alice", "hobbies", limit=3)
        assert "hiking" in found.data[0].text
        prepared = client.memory.prepare("alice", messages=ASKED)
        assert "hiking" in prepared.messages[-1]["content"]
        assert client.memory.trace(prepared.trace_id or "").id == prepared.trace_id
        assert [session.id for session in client.memory.sessions("alice").data] == ["monday"]
        (message,) = client.memory.session_messages("alice", "monday").data
        assert message.content == TOLD[0]["content"]
        (memory,) = client.memory.memories.list("alice", kind="passage").data
        assert client.memory.memories.get("alice", memory.id).text == TOLD[0]["content"]
        client.memory.memories.delete("alice", memory.id)
        assert client.memory.memories.list("alice", kind="passage").data == []
        assert client.memory.search("alice", "hobbies").data == []
        assert client.memory.stats("alice").messages == 0


def test_what_is_known_is_listed_changed_and_forgotten(options: dict[str, Any], provider: ScriptedProvider) -> None:
    said = [{"role": "user", "content": "I live in Porto. My sister Berta lives in Bonn."}]
    with Recollect(**options) as client:
        memory = client.memory
        memory.ingest("alice", said, session_id="monday")
        assert memory.process_session("alice", "monday", wait=True).processed is True
        (home,) = memory.memories.list("alice", attribute="home", subject="user").data
        assert (home.value, home.sources[0]["quote"] in said[0]["content"]) == ("Porto", True)
        assert memory.memories.edit("alice", home.id, value="Lisbon", valid_from="2026-04-01").version == 2
        assert memory.memories.edit("alice", home.id, valid_from=None).valid_from is None
        assert memory.memories.pin("alice", home.id).is_pinned is True
        assert memory.memories.unpin("alice", home.id).is_pinned is False
        assert memory.memories.expire("alice", home.id, "2020-01-01").status == "expired"
        assert memory.memories.expire("alice", home.id, None).status == "current"
        assert memory.memories.feedback("alice", home.id, "useful").useful == 1
        assert [one.value for one in memory.memories.history("alice", home.id).data] == ["Porto", "Lisbon", "Lisbon"]
        added = memory.memories.add("alice", attribute="allergy", value="peanuts", is_pinned=True)
        assert [one.id for one in memory.memories.list("alice", is_pinned=True).data] == [added.id]
        assert [one.name for one in memory.graph("alice", entity="Berta").entities] == ["Berta", "user"]
        assert memory.conflicts.list("alice").data == []
        assert memory.session_summary("alice", "monday").short
        assert memory.reprocess(user="alice", wait=True).processed is True
        assert memory.memories.get("alice", home.id).value == "Lisbon"
        assert memory.memories.delete("alice", home.id, with_sources=True).messages_deleted == 2
        assert [one.value for one in memory.memories.list("alice", kind="memory").data] == ["peanuts"]


async def test_the_same_awaited(options: dict[str, Any], provider: ScriptedProvider) -> None:
    async with AsyncRecollect(**options) as client:
        memory = client.memory
        added = await memory.memories.add("alice", text="My sister is called Berta")
        assert (added.attribute, added.value) == ("note", "My sister is called Berta")
        assert (await memory.memories.edit("alice", added.id, value="Her sister is Berta")).version == 2
        assert (await memory.memories.pin("alice", added.id)).is_pinned is True
        assert (await memory.memories.unpin("alice", added.id)).is_pinned is False
        assert (await memory.memories.expire("alice", added.id, None)).expires_at is None
        assert (await memory.memories.feedback("alice", added.id, "never_use")).is_withheld is True
        assert len((await memory.memories.history("alice", added.id)).data) == 2
        assert (await memory.memories.get("alice", added.id)).id == added.id
        assert [one.id for one in (await memory.memories.list("alice", kind="memory")).data] == [added.id]
        assert (await memory.process_session("alice", "memories", wait=True, anew=True)).processed is True
        assert (await memory.reprocess(user="alice", extractor="rules", wait=True)).processed is True
        assert (await memory.graph("alice")).object == "graph"
        assert (await memory.conflicts.list("alice")).data == []
        assert (await memory.memories.delete("alice", added.id)).messages_deleted == 2
        assert (await memory.memories.list("alice")).data == []


def test_a_contradiction_is_asked_about_until_it_is_settled(provider: ScriptedProvider, tmp_path: Path) -> None:
    config = {**config_of(tmp_path / "data", provider), "knowledge": {"conflicts": "ask"}}
    asked = [{"role": "user", "content": "What is my name?"}]
    with Recollect(config=config) as client:
        for session, name in (("monday", "Anna"), ("tuesday", "Hanna")):
            said = [{"role": "user", "content": f"My name is {name}."}]
            client.memory.ingest("alice", said, session_id=session, wait=True)
            client.memory.process_session("alice", session, wait=True)
        client.chat.completions.create(model="openai/m", messages=asked, user_id="alice", run_id="first")
        assert "gave two answers for name: Anna; Hanna" in provider.last.body.decode()
        (conflict,) = client.memory.conflicts.list("alice").data
        right = next(one for one in conflict.choices if one["value"] == "Hanna")
        assert client.memory.conflicts.resolve("alice", conflict.id, right["memory_id"]).resolved is True
        assert client.memory.conflicts.list("alice").data == []
        client.chat.completions.create(model="openai/m", messages=asked, user_id="alice", run_id="second")
        assert "gave two answers" not in provider.last.body.decode()
        (name,) = client.memory.memories.list("alice", attribute="name").data
        assert name.value == "Hanna"


def test_mem0s_page(options: dict[str, Any], provider: ScriptedProvider) -> None:
    client = Mem0(**options)
    client.chat.completions.create(
        messages=[
            {"role": "user", "content": "I love Indian food but I cannot eat pizza since I'm allergic to cheese."}
        ],
        model="gpt-4.1-nano-2025-04-14",
        user_id="alice",
        run_id="monday",
    )
    response = client.chat.completions.create(
        messages=[{"role": "user", "content": "Suggest dinner options in San Francisco. What food do I love?"}],
        model="gpt-4.1-nano-2025-04-14",
        user_id="alice",
        run_id="tuesday",
        agent_id="waiter",
        metadata={"source": "app"},
        filters={},
        limit=5,
    )
    assert response.choices[0].message.content == ANSWER
    assert "allergic to cheese" in provider.last.body.decode()
    assert "allergic to cheese" in response.metadata.memories[0].text
    assert provider.last.json()["model"] == "gpt-4.1-nano-2025-04-14"
    client.chat.completions.create(
        messages=[{"role": "user", "content": "What's the capital of France?"}], model="gpt-4.1-nano-2025-04-14"
    )
    assert provider.last.json()["messages"] == [{"role": "user", "content": "What's the capital of France?"}]
    assert any("cheese" in found["memory"] for found in client.search("allergies", user_id="alice")["results"])
    client.client.memory.process_session("alice", "monday", wait=True)
    loved = next(one for one in client.get_all(user_id="alice")["results"] if one["id"].startswith("mem_"))
    assert client.update(loved["id"], "loves Thai food") == {"message": "Memory updated successfully!"}
    assert [one["event"] for one in client.history(loved["id"])] == ["ADD", "UPDATE"]
    client.delete(loved["id"])
    assert loved["id"] not in [one["id"] for one in client.get_all(user_id="alice")["results"]]
    client.close()


def test_mem0s_configuration_runs(provider: ScriptedProvider, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="qdrant"):
        client = Mem0(config={**config_of(tmp_path / "data", provider), **QDRANT})
    reply = client.chat.completions.create(
        messages=[{"role": "user", "content": "What's the capital of France?"}], model="gpt-4.1-nano-2025-04-14"
    )
    assert reply.choices[0].message.content == ANSWER
    client.close()


def test_clients_of_one_data_directory_share_it(provider: ScriptedProvider, tmp_path: Path) -> None:
    config = config_of(tmp_path / "data", provider)
    with Recollect(config=config) as first, Recollect(config={**config, "log_level": "error"}) as second:
        first.chat.completions.create(model="openai/m", messages=TOLD, user_id="alice", run_id="monday")
        second.chat.completions.create(model="openai/m", messages=ASKED, user_id="alice", run_id="tuesday")
        assert "love hiking" in provider.last.body.decode()


def test_leaving_a_stream_cancels_the_upstream_call_and_keeps_what_came(
    options: dict[str, Any], provider: ScriptedProvider
) -> None:
    with Recollect(**options) as client:
        provider.then(Script(text=ANSWER, pieces=50, delay_s=0.2))
        stream = client.chat.completions.create(
            model="openai/m", messages=[{"role": "user", "content": "tell me"}], user_id="leaver", stream=True
        )
        first = next(chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content)
        stream.close()
        assert provider.last.left.wait(10)
        assert eventually(lambda: "leaver" in [user.id for user in client.memory.users().data])
        assert [memory.text for memory in client.memory.memories.list("leaver", kind="passage").data] == [
            "tell me",
            first,
        ]


async def test_cancelling_a_task_cancels_the_upstream_call(options: dict[str, Any], provider: ScriptedProvider) -> None:
    async with AsyncRecollect(**options) as client:
        provider.then(Script(hang="before_head"))
        before = len(provider.requests)
        asking = asyncio.ensure_future(
            client.chat.completions.create(model="openai/m", messages=ASKED, user_id="leaver")
        )
        assert await asyncio.to_thread(eventually, lambda: len(provider.requests) > before)
        asking.cancel()
        assert await provider.last.client_left(10)


def test_a_program_that_just_ends_loses_nothing_and_complains_of_nothing(
    provider: ScriptedProvider, tmp_path: Path
) -> None:
    config = config_of(tmp_path / "data", provider)
    script = (
        "import json, sys; from recollect import Recollect; client = Recollect(config=json.loads(sys.argv[1]));"
        "client.chat.completions.create(model='openai/m', messages=json.loads(sys.argv[2]), user_id='alice')"
    )
    command = [sys.executable, "-c", script, json.dumps(config), json.dumps(TOLD)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with Recollect(config=config) as client:
        assert [memory.text for memory in client.memory.memories.list("alice", kind="passage").data] == [
            TOLD[0]["content"],
            ANSWER,
        ]


def test_a_wrong_configuration_is_named(tmp_path: Path) -> None:
    from recollect import SettingsError

    with pytest.raises(SettingsError, match="default_strategy"):
        Recollect(config={"data_dir": str(tmp_path), "default_strategy": "balanced"})
