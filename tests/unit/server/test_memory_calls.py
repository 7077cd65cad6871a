"""ingest, search and prepare: what is parsed of them, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from recollect.domain.ids import MessageId, MessageNumber, SessionName, SessionNumber
from recollect.domain.messages import StoredMessage
from recollect.domain.recall import Hit, Strategy
from tests.unit.server.fakes import exchange

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def post(app, path, body, **headers):
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = await exchange(app, "POST", path, body=sent, headers=headers)
    return reply.status, json.loads(reply.body), reply


def a_hit(text="I love hiking", start=0, end=None):
    message = StoredMessage(
        id=MessageId(bytes(range(16))),
        number=MessageNumber(1),
        session=SessionName("s1"),
        session_number=SessionNumber(1),
        depth=0,
        is_live=True,
        captured_at=MOMENT,
        role="user",
        text=text,
        occurred_at=MOMENT,
        external_id="x1",
    )
    return Hit("passage", message, start, len(text) if end is None else end, 0.5, 4, {"bm25": 1.25})


class TestIngest:
    @pytest.mark.parametrize("path", ["/v1/memory/ingest", "/memory/ingest"])
    async def test_messages_are_parsed_and_counted(self, app, gateway, path):
        status, body, _ = await post(
            app,
            path,
            {
                "user": "ann",
                "session_id": "s9",
                "agent_id": "bot",
                "wait": True,
                "metadata": {"team": "a"},
                "messages": [
                    {
                        "role": "user",
                        "content": "I love hiking",
                        "name": "Ann",
                        "id": "m1",
                        "occurred_at": "2026-03-01T13:00:00+01:00",
                        "metadata": {"topic": "sport"},
                    },
                    {"role": "assistant", "content": [{"type": "text", "text": "Nice!"}]},
                ],
            },
        )
        principal, call = gateway.calls.ingested[0]
        assert (status, body["stored"], body["session_id"], body["indexed"]) == (200, 2, "s1", True)
        assert principal.project == "default"
        assert (call.user, call.session_id, call.agent_id, call.waits_for_index) == ("ann", "s9", "bot", True)
        first, second = call.messages
        assert (first.text, first.name, first.external_id, first.occurred_at) == ("I love hiking", "Ann", "m1", MOMENT)
        assert json.loads(first.metadata) == {"team": "a", "topic": "sport"}
        assert (second.role, second.text, json.loads(second.metadata)) == ("assistant", "Nice!", {"team": "a"})

    async def test_the_callers_id_or_time_tells_equal_words_apart(self, app, gateway):
        messages = [
            {"role": "user", "content": "ok", "id": "1"},
            {"role": "user", "content": "ok", "id": "2"},
            {"role": "user", "content": "ok", "occurred_at": "2026-03-01T12:00:00Z"},
            {"role": "user", "content": "ok"},
        ]
        await post(app, "/memory/ingest", {"user": "a", "messages": messages})
        (_, call) = gateway.calls.ingested[0]
        assert len({message.identity for message in call.messages}) == 4
        assert len({message.fingerprint for message in call.messages}) == 1
        assert call.messages[3].distinguisher == ""

    async def test_instructions_and_flagged_messages_are_not_stored(self, app, gateway):
        messages = [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "secret", "memory": False},
            {"role": "user", "content": "hello"},
        ]
        _, body, _ = await post(app, "/memory/ingest", {"user": "a", "messages": messages})
        assert [message.text for message in gateway.calls.ingested[0][1].messages] == ["hello"]
        assert body["stored"] == 1

    async def test_the_user_may_come_from_a_header(self, app, gateway):
        await post(
            app, "/memory/ingest", {"messages": [{"role": "user", "content": "x"}]}, **{"X-Memory-User": "from-header"}
        )
        assert gateway.calls.ingested[0][1].user == "from-header"

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({}, "messages"),
            ({"messages": []}, "messages"),
            ({"messages": "hi"}, "messages"),
            ({"messages": ["hi"]}, "messages[0]"),
            ({"messages": [{"content": "x"}]}, "messages[0].role"),
            ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
            ({"messages": [{"role": "user"}]}, "messages[0].content"),
            ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
            ({"messages": [{"role": "user", "content": "x", "occurred_at": "yesterday"}]}, "messages[0].occurred_at"),
            ({"messages": [{"role": "user", "content": "x", "occurred_at": 7}]}, "messages[0].occurred_at"),
            ({"messages": [{"role": "user", "content": "x", "id": 7}]}, "messages[0].id"),
            ({"messages": [{"role": "user", "content": "x", "metadata": []}]}, "messages[0].metadata"),
            ({"messages": [{"role": "user", "content": "x", "memory": "no"}]}, "messages[0].memory"),
            ({"messages": [{"role": "user", "content": "x", "name": 1}]}, "messages[0].name"),
            ({"messages": [{"role": "user", "content": "x"}], "wait": "yes"}, "wait"),
            ({"messages": [{"role": "user", "content": "x"}], "user": 7}, "user"),
            ({"messages": [{"role": "user", "content": "x"}], "sesion_id": "s"}, "sesion_id"),
            ({"messages": [{"role": "user", "content": "x"}], "metadata": "m"}, "metadata"),
        ],
    )
    async def test_what_is_malformed_is_named_and_nothing_is_stored(self, app, gateway, body, param):
        status, reply, _ = await post(app, "/v1/memory/ingest", body)
        assert (status, reply["error"]["param"]) == (400, param)
        assert param.split(".")[-1].split("[")[0] in reply["error"]["message"]
        assert gateway.calls.ingested == []

    @pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"a":NaN}'])
    async def test_what_is_no_json_object(self, app, body):
        status, reply, _ = await post(app, "/v1/memory/ingest", body)
        assert (status, reply["error"]["code"]) == (400, "invalid_json")

    async def test_a_mode_that_stores_nothing_is_refused(self, app, gateway):
        status, reply, _ = await post(
            app,
            "/v1/memory/ingest",
            {"messages": [{"role": "user", "content": "x"}]},
            **{"X-Memory-Mode": "read"},
        )
        assert (status, reply["error"]["code"]) == (403, "memory_mode_forbids")
        assert gateway.calls.ingested == []


class TestSearch:
    async def test_every_field_reaches_the_call(self, app, gateway):
        gateway.calls.hits = (a_hit(),)
        status, body, reply = await post(
            app,
            "/v1/memory/search",
            {
                "user": "ann",
                "query": "hobbies?",
                "limit": 5,
                "strategy": "low_latency",
                "filters": {"team": "a"},
                "from": "2026-01-01T00:00:00Z",
                "to": "2026-03-01T12:00:00Z",
                "as_of": "2026-02-01",
                "threshold": 0.25,
                "timezone": "Europe/Berlin",
                "explain": True,
            },
        )
        (_, call) = gateway.calls.searched[0]
        assert status == 200
        assert (call.user, call.query, call.limit, call.strategy) == ("ann", "hobbies?", 5, Strategy.LOW_LATENCY)
        assert (call.until, call.as_of) == (MOMENT, datetime(2026, 2, 1, tzinfo=UTC))
        assert (call.threshold, call.timezone, call.filters) == (0.25, "Europe/Berlin", {"team": "a"})
        assert body["object"] == "list"
        assert body["data"] == [
            {
                "id": "msg_000102030405060708090a0b0c0d0e0f",
                "object": "memory",
                "kind": "passage",
                "text": "I love hiking",
                "score": 0.5,
                "role": "user",
                "name": None,
                "occurred_at": "2026-03-01T12:00:00Z",
                "session_id": "s1",
                "sources": [{"message_id": "msg_000102030405060708090a0b0c0d0e0f", "external_id": "x1"}],
                "tokens": 4,
                "explain": {"signals": {"bm25": 1.25}},
            }
        ]
        assert set(body["explain"]) == {"gate", "stage_ms", "has_vectors"}
        assert (body["trace_id"], reply.header("x-memory-request-id")) == ("trc_1", "trc_1")

    async def test_defaults(self, app, gateway):
        _, body, _ = await post(app, "/memory/search", {"query": "q"})
        (_, call) = gateway.calls.searched[0]
        assert (call.user, call.limit, call.strategy, call.is_explained) == ("default", 10, Strategy.BALANCED, False)
        assert "explain" not in body
        assert isinstance(body["took_ms"], float)

    async def test_a_piece_of_a_message_has_its_place_in_the_id(self, app, gateway):
        gateway.calls.hits = (a_hit("0123456789", 2, 5),)
        _, body, _ = await post(app, "/memory/search", {"query": "q"})
        assert (body["data"][0]["id"][-4:], body["data"][0]["text"]) == (":2-5", "234")

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({}, "query"),
            ({"query": ""}, "query"),
            ({"query": "  "}, "query"),
            ({"query": 7}, "query"),
            ({"query": "q" * 100_001}, "query"),
            ({"query": "q", "limit": -1}, "limit"),
            ({"query": "q", "limit": 0}, "limit"),
            ({"query": "q", "limit": 1001}, "limit"),
            ({"query": "q", "limit": 2.5}, "limit"),
            ({"query": "q", "limit": True}, "limit"),
            ({"query": "q", "strategy": "psychic"}, "strategy"),
            ({"query": "q", "strategy": 1}, "strategy"),
            ({"query": "q", "from": "then"}, "from"),
            ({"query": "q", "to": 12}, "to"),
            ({"query": "q", "from": "2026-02-01", "to": "2026-01-01"}, "to"),
            ({"query": "q", "as_of": "soon"}, "as_of"),
            ({"query": "q", "threshold": 1.5}, "threshold"),
            ({"query": "q", "threshold": "0.5"}, "threshold"),
            ({"query": "q", "timezone": "Mars/Base"}, "timezone"),
            ({"query": "q", "explain": 1}, "explain"),
            ({"query": "q", "filters": []}, "filters"),
            ({"query": "q", "memory_mode": "sometimes"}, "memory_mode"),
            ({"query": "q", "unknown": 1}, "unknown"),
        ],
    )
    async def test_what_is_malformed_is_named(self, app, gateway, body, param):
        status, reply, _ = await post(app, "/v1/memory/search", body)
        assert (status, reply["error"]["param"], reply["error"]["type"]) == (400, param, "invalid_request_error")
        assert gateway.calls.searched == []

    async def test_a_mode_that_recalls_nothing_is_refused(self, app):
        status, reply, _ = await post(app, "/v1/memory/search", {"query": "q"}, **{"X-Memory-Mode": "write"})
        assert (status, reply["error"]["code"]) == (403, "memory_mode_forbids")


class TestPrepare:
    async def test_messages_go_in_and_come_back_as_they_were_written(self, app, gateway):
        raw = b'{"user":"ann","max_tokens":300,"messages":[ {"role":"user", "content":"caf\\u00e9", "n":1.0} ]}'
        status, body, reply = await post(app, "/v1/memory/prepare", raw)
        (_, call) = gateway.calls.prepared[0]
        assert status == 200
        assert (call.controls.user, call.dialect, call.controls.max_tokens) == ("ann", "chat/completions", 300)
        assert call.body == b'{"messages":[ {"role":"user", "content":"caf\\u00e9", "n":1.0} ]}'
        assert b'"messages":[ {"role":"user", "content":"caf\\u00e9", "n":1.0} ]' in reply.body
        assert (body["context"], body["tokens"], body["memories"], body["trace_id"]) == ("block", 7, [], "trc_2")

    async def test_a_responses_input(self, app, gateway):
        _, body, _ = await post(app, "/memory/prepare", {"input": "hello", "instructions": "be brief"})
        (_, call) = gateway.calls.prepared[0]
        assert (call.dialect, json.loads(call.body)) == ("responses", {"input": "hello", "instructions": "be brief"})
        assert (body["input"], body["instructions"]) == ("hello", "be brief")
        assert "messages" not in body
        assert call.controls.max_tokens is None

    async def test_memories_are_told(self, app, gateway):
        gateway.calls.hits = (a_hit(),)
        _, body, _ = await post(app, "/memory/prepare", {"messages": [{"role": "user", "content": "q"}]})
        assert body["memories"][0]["sources"][0]["external_id"] == "x1"

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({}, "messages"),
            ({"messages": [], "input": "x"}, "input"),
            ({"messages": [], "instructions": "x"}, "instructions"),
            ({"input": "x", "max_tokens": -5}, "max_tokens"),
            ({"input": "x", "max_tokens": "many"}, "max_tokens"),
            ({"input": "x", "limit": -1}, "limit"),
            ({"input": "x", "strategy": "psychic"}, "strategy"),
            ({"input": "x", "as_of": "soon"}, "as_of"),
            ({"input": "x", "mesages": 1}, "mesages"),
        ],
    )
    async def test_what_is_malformed_is_named(self, app, gateway, body, param):
        status, reply, _ = await post(app, "/v1/memory/prepare", body)
        assert (status, reply["error"]["param"]) == (400, param)
        assert gateway.calls.prepared == []
