"""What is ingested and what is said in a chat are one conversation."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from recollect.domain.calls import IngestCall, SearchCall
from recollect.domain.ids import ProjectId, SessionName
from recollect.domain.keys import KeyKind, MemoryMode, Principal
from recollect.exchange.inject import Injector
from recollect.exchange.memory_calls import MemoryCalls
from recollect.exchange.recall import Deadlines, RecallStage
from recollect.exchange.remember import Rememberer
from recollect.wire.ingest_messages import read_ingest_messages
from recollect.wire.json_document import JsonDocument
from tests.unit.exchange.conftest import chat_reply
from tests.unit.exchange.test_pipeline import chat

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PRINCIPAL = Principal(ProjectId("default"), KeyKind.CLIENT, MemoryMode.FULL, key_id=None)
HISTORY = ("I love hiking in the hills", "Hiking is healthy")


@pytest.fixture
def calls(gateway):
    recall = RecallStage(gateway.recaller, gateway.store.injections, gateway.store.messages, Deadlines())
    return MemoryCalls(
        gateway.store,
        gateway.recaller,
        gateway.worker,
        gateway.resolver,
        recall,
        Injector(),
        Rememberer(gateway.worker, gateway.store.traces),
        gateway.clock,
    )


def ingest_call(*messages, session="s"):
    document = JsonDocument.parse(json.dumps({"messages": messages}).encode())
    read = read_ingest_messages(document, now=NOON, metadata={}, agent_id=None)
    return IngestCall(user="default", messages=read, session_id=SessionName(session))


def marked(*texts, **fields):
    """Messages with what tells them from the same words said elsewhere."""
    roles = ["user", "assistant"] * len(texts)
    every = [
        {"id": f"m{number}", "occurred_at": f"2026-04-01T12:00:{number:02}Z"} for number in range(1, len(texts) + 1)
    ]
    return [
        {"role": role, "content": text, **{name: mark[name] for name in fields["by"]}}
        for role, text, mark in zip(roles, texts, every, strict=False)
    ]


@pytest.mark.parametrize("by", [("id", "occurred_at"), ("occurred_at",), ("id",), ()], ids="+".join)
async def test_a_chat_goes_on_with_what_was_ingested(gateway, calls, by):
    result = await calls.ingest(PRINCIPAL, ingest_call(*marked(*HISTORY, by=by)))
    assert (result.stored, result.duplicates) == (2, 0)
    gateway.upstream.replies = [chat_reply("Gladly"), chat_reply("Bye")]
    body = chat(*HISTORY, "Shall we go hiking?")
    reply = await gateway.post(body)
    assert gateway.upstream.requests[0].body == body
    assert reply.headers["x-memory-status"] == "empty"
    await gateway.post(chat(*HISTORY, "Shall we go hiking?", "Gladly", "See you"))
    vault = await gateway.store.vaults.open_vault("default", "default", may_create=False)
    sessions = await gateway.store.sessions.list_sessions(vault.id, limit=9)
    assert [session.name for session in sessions] == ["s"]
    assert await gateway.texts() == [*HISTORY, "Shall we go hiking?", "Gladly", "See you", "Bye"]
    assert await gateway.texts(is_live=False) == []


async def test_a_window_of_what_was_ingested_is_found_again(gateway, calls):
    texts = [f"message {number}" for number in range(6)]
    await calls.ingest(PRINCIPAL, ingest_call(*marked(*texts, by=("occurred_at",))))
    await gateway.post(chat(*texts[2:], "and then"))
    assert await gateway.texts(is_live=True) == [*texts, "and then", "ok"]


async def test_an_edited_question_of_what_was_ingested_is_a_branch(gateway, calls):
    await calls.ingest(PRINCIPAL, ingest_call(*marked("u1", "a1", "u2", "a2", by=("occurred_at",))))
    await gateway.post(chat("u1", "a1", "u2, put otherwise"))
    assert await gateway.texts(is_live=True) == ["u1", "a1", "u2, put otherwise", "ok"]
    assert await gateway.texts(is_live=False) == ["u2", "a2"]


async def test_ingesting_again_adds_nothing(gateway, calls):
    call = ingest_call(*marked(*HISTORY, by=("occurred_at",)))
    await calls.ingest(PRINCIPAL, call)
    result = await calls.ingest(PRINCIPAL, call)
    assert (result.stored, result.duplicates) == (0, 2)
    assert await gateway.texts() == list(HISTORY)


async def test_the_same_words_at_another_time_are_ingested_again(gateway, calls):
    for day in ("2026-04-01", "2026-04-02"):
        message = {"role": "user", "content": "Good morning", "occurred_at": day}
        assert (await calls.ingest(PRINCIPAL, ingest_call(message))).stored == 1
    assert await gateway.texts() == ["Good morning", "Good morning"]


async def test_no_trace_holds_what_was_asked_or_answered(gateway, calls):
    """So a trace goes with the messages that it quotes, and nothing of a deleted question stays behind."""
    await gateway.post(chat("I love hiking in the hills"))
    gateway.clock.advance(3600)
    gateway.upstream.replies = [chat_reply("Answeringly")]
    reply = await gateway.post(chat("Askingly: hiking?"))
    search = SearchCall(user="default", query="Searchingly: hiking?")
    found = await calls.search(PRINCIPAL, search)
    assert found.recall.ranking
    for trace_id in (reply.headers["x-memory-request-id"], found.trace_id):
        trace = await gateway.store.traces.find_trace("default", trace_id)
        assert not {"Askingly", "Answeringly", "Searchingly"} & set(re.findall(r"\w+", trace.body))
        assert trace.sources == (1,)
