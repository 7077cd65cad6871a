"""Lists, keys, users, traces and operations, on the in-memory store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from recollect.domain.ids import KeyId, MessageNumber, ProjectId, SessionNumber, TraceId
from recollect.domain.keys import KeyKind, MemoryKey, MemoryMode
from recollect.domain.knowledge import WindowExtraction
from recollect.domain.memories import Extraction
from recollect.domain.requests import RequestBodies
from recollect.domain.traces import Trace
from recollect.errors import SettingsError
from recollect.extractors.rules import RuleExtractor
from recollect.server.ports import Readiness
from recollect.stores.in_memory import in_memory_store
from recollect.testing.store_suite import ManualClock, passage
from recollect.testing.store_suite.requests import FULL, LEFT
from recollect.wire.memory_key import digest, new_secret
from recollect.worker import ExtractionWorker
from tests.unit.server.fakes import PROJECT, FakeGateway, exchange, running, store_messages

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def call(app, method, target, body=None, key=None, **more):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    sent = b"" if body is None else json.dumps(body).encode()
    reply = await exchange(app, method, target, body=sent, headers=headers, **more)
    return reply.status, json.loads(reply.body)


async def make_key(gateway, kind=KeyKind.CLIENT, user=None, project=PROJECT, mode=MemoryMode.FULL):
    secret = new_secret()
    await gateway.store.keys.create_key(
        MemoryKey(KeyId(f"key_{secret[3:9]}"), project, digest(secret), kind, mode, MOMENT, user=user)
    )
    return secret


class TestMemories:
    async def test_a_list_is_paged(self, app, gateway):
        ids = await store_messages(gateway, "ann", "one", "two", "three")
        _, first = await call(app, "GET", "/v1/memory/memories?user=ann&limit=2")
        assert [one["text"] for one in first["data"]] == ["one", "two"]
        assert (first["has_more"], first["first_id"], first["last_id"]) == (True, ids[0], ids[1])
        _, second = await call(app, "GET", f"/v1/memory/memories?user=ann&limit=2&after={first['last_id']}")
        assert ([one["text"] for one in second["data"]], second["has_more"]) == (["three"], False)

    async def test_one_memory(self, app, gateway):
        (identifier,) = await store_messages(gateway, "ann", "one")
        status, body = await call(app, "GET", f"/v1/memory/memories/{identifier}?user=ann")
        assert (status, body["id"], body["kind"], body["text"]) == (200, identifier, "passage", "one")
        assert (await call(app, "GET", f"/v1/memory/memories/{identifier}:0-2?user=ann"))[1]["id"] == identifier

    async def test_delete(self, app, gateway):
        (identifier, _) = await store_messages(gateway, "ann", "one", "two")
        status, body = await call(app, "DELETE", f"/v1/memory/memories/{identifier}?user=ann")
        assert (status, body) == (
            200,
            {"id": identifier, "object": "memory.deleted", "deleted": True, "messages_deleted": 1},
        )
        assert (await call(app, "DELETE", f"/v1/memory/memories/{identifier}?user=ann"))[0] == 404
        _, left = await call(app, "GET", "/v1/memory/memories?user=ann")
        assert [one["text"] for one in left["data"]] == ["two"]

    async def test_another_users_memory_is_unknown(self, app, gateway):
        (identifier,) = await store_messages(gateway, "ann", "one")
        await store_messages(gateway, "bob", "x")
        status, body = await call(app, "GET", f"/v1/memory/memories/{identifier}?user=bob")
        assert (status, body["error"]["code"]) == (404, "memory_not_found")

    @pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=1001", "limit=many", "limit="])
    async def test_a_bad_limit(self, app, gateway, query):
        await store_messages(gateway, "ann", "one")
        status, body = await call(app, "GET", f"/v1/memory/memories?user=ann&{query}")
        assert (status, body["error"]["param"]) == (400, "limit")

    async def test_unknown_things(self, app, gateway):
        await store_messages(gateway, "ann", "one")
        for target, code in (
            ("/v1/memory/memories?user=nobody", "user_not_found"),
            ("/v1/memory/memories/msg_x?user=ann", "memory_not_found"),
            ("/v1/memory/memories?user=ann&after=msg_x", "memory_not_found"),
        ):
            status, body = await call(app, "GET", target)
            assert (status, body["error"]["code"]) == (404, code)


class TestSessions:
    async def test_list_get_and_messages(self, app, gateway):
        await store_messages(gateway, "ann", "one", "two", "three", session="a/b")
        await store_messages(gateway, "ann", "later", session="s2")
        _, listed = await call(app, "GET", "/v1/memory/sessions?user=ann&limit=1")
        assert ([one["id"] for one in listed["data"]], listed["has_more"]) == (["s2"], True)
        _, rest = await call(app, "GET", "/v1/memory/sessions?user=ann&after=s2")
        assert [one["id"] for one in rest["data"]] == ["a/b"]
        _, one = await call(app, "GET", "/v1/memory/sessions/a%2Fb?user=ann")
        assert (one["id"], one["messages"]) == ("a/b", 3)
        _, newest = await call(app, "GET", "/v1/memory/sessions/a%2Fb/messages?user=ann&limit=2")
        assert ([m["content"] for m in newest["data"]], newest["has_more"]) == (["two", "three"], True)
        oldest_id = newest["data"][0]["id"]
        _, older = await call(app, "GET", f"/v1/memory/sessions/a%2Fb/messages?user=ann&before={oldest_id}")
        assert ([m["text"] for m in older["data"]], older["has_more"]) == (["one"], False)

    async def test_an_unknown_session(self, app, gateway):
        await store_messages(gateway, "ann", "one")
        status, body = await call(app, "GET", "/v1/memory/sessions/none?user=ann")
        assert (status, body["error"]["code"]) == (404, "session_not_found")


class TestUsers:
    async def test_list_and_get(self, app, gateway):
        for user in ("ann", "bob", "c/d"):
            await store_messages(gateway, user, "x", "y")
        _, listed = await call(app, "GET", "/v1/memory/users?limit=2")
        assert ([one["id"] for one in listed["data"]], listed["has_more"]) == (["ann", "bob"], True)
        _, rest = await call(app, "GET", "/v1/memory/users?after=bob")
        assert [one["id"] for one in rest["data"]] == ["c/d"]
        _, one = await call(app, "GET", "/v1/memory/users/c%2Fd")
        assert (one["id"], one["messages"], one["sessions"]) == ("c/d", 2, 1)

    async def test_erasure_gives_a_receipt_and_drops_the_index(self, app, gateway):
        await store_messages(gateway, "ann", "x", "y")
        status, body = await call(app, "DELETE", "/v1/memory/users/ann")
        assert (status, body["object"], body["receipt"]["messages"], body["receipt"]["sessions"]) == (
            200,
            "user.deleted",
            2,
            1,
        )
        assert len(body["receipt"]["digest"]) == 64
        assert len(gateway.engine.forgotten) == 1
        assert (await call(app, "GET", "/v1/memory/users/ann"))[0] == 404
        assert (await call(app, "DELETE", "/v1/memory/users/ann"))[0] == 404

    async def test_erasure_reaches_what_waits_for_the_store(self, app, gateway):
        gateway.spool.waiting = [(PROJECT, "ann"), (PROJECT, "bob"), (ProjectId("p2"), "ann")]
        await store_messages(gateway, "ann", "x")
        assert (await call(app, "DELETE", "/v1/memory/users/ann"))[0] == 200
        assert gateway.spool.waiting == [(PROJECT, "bob"), (ProjectId("p2"), "ann")]

    async def test_a_user_whose_captures_all_wait_is_erased_before_it_is_unknown(self, app, gateway):
        gateway.spool.waiting = [(PROJECT, "ann")]
        assert (await call(app, "DELETE", "/v1/memory/users/ann"))[0] == 404
        assert gateway.spool.waiting == []

    async def test_a_vault_key_erases_nothing_of_what_waits(self, app, gateway):
        gateway.spool.waiting = [(PROJECT, "ann")]
        key = await make_key(gateway, KeyKind.VAULT, user="ann")
        assert (await call(app, "DELETE", "/v1/memory/users/ann", key=key))[0] == 403
        assert gateway.spool.waiting == [(PROJECT, "ann")]


class TestStats:
    async def test_of_the_project_and_of_a_user(self, app, gateway):
        await store_messages(gateway, "ann", "x", "y")
        await store_messages(gateway, "bob", "z")
        _, project = await call(app, "GET", "/v1/memory/stats")
        assert (project["users"], project["messages"], project["sessions"]) == (2, 3, 2)
        assert project["jobs"]["waiting"] >= 1
        _, user = await call(app, "GET", "/v1/memory/stats?user=ann")
        assert (user["user"], user["messages"], user["pending"]) == ("ann", 2, 2)

    async def test_how_far_derived_data_has_come(self, app, gateway):
        await store_messages(gateway, "ann", "I live in Porto", "Remember nothing")
        await store_messages(gateway, "bob", "z")
        worker = ExtractionWorker(gateway.store, [RuleExtractor()])
        vault = await gateway.store.vaults.open_vault(PROJECT, "ann", may_create=False)
        await gateway.store.index.put_passages(vault.id, [passage(1), passage(2, model="")])
        _, before = await call(app, "GET", "/v1/memory/stats?user=ann")
        assert (before["indexed"], before["embedded"], before["extracted"], before["sessions_due"]) == (2, 1, {}, 1)
        assert before["oldest_pending_at"] is not None
        await gateway.store.knowledge.request(vault.id)
        await worker.run_until_idle()
        _, after = await call(app, "GET", "/v1/memory/stats?user=ann")
        assert (after["extracted"], after["sessions_due"], after["failed"]) == ({"rules": 2}, 0, 0)
        assert after["alarm"] is None
        _, project = await call(app, "GET", "/v1/memory/stats")
        assert (project["extracted"], project["sessions_due"]) == ({"rules": 2}, 1)

    async def test_what_is_stuck_or_was_dropped_is_told(self):
        clock = ManualClock(datetime.now(UTC) - timedelta(hours=1))
        gateway = FakeGateway(store=in_memory_store(clock=clock))
        async with running(gateway) as app:
            await store_messages(gateway, "ann", "I live in Porto")
            vault = await gateway.store.vaults.open_vault(PROJECT, "ann", may_create=False)
            found = Extraction(dropped={"no_evidence": 3})
            window = WindowExtraction(0, "1", "d", (MessageNumber(1),), found, clock.at)
            await gateway.store.knowledge.put_windows(vault.id, SessionNumber(1), "llm", [window], 1)
            _, stats = await call(app, "GET", "/v1/memory/stats?user=ann")
        assert stats["dropped"] == {"no_evidence": 3}
        assert "stuck" in stats["alarm"]


class TestTraces:
    async def put(self, gateway, user="ann", project=PROJECT):
        await store_messages(gateway, user, "x")
        vault = await gateway.store.vaults.open_vault(PROJECT, user, may_create=False)
        trace = Trace(TraceId("trc_9"), project, vault.id, MOMENT, '{"id":"trc_9"}', (MessageNumber(1),))
        await gateway.store.traces.put_trace(trace)

    async def test_a_trace_is_served_as_it_was_kept(self, app, gateway):
        await self.put(gateway)
        assert await call(app, "GET", "/v1/memory/traces/trc_9") == (200, {"id": "trc_9"})
        assert (await call(app, "GET", "/v1/memory/traces/trc_8"))[0] == 404

    async def test_a_trace_that_is_still_on_its_way_is_waited_for(self, app, gateway, monkeypatch):
        monkeypatch.setattr(gateway, "settle", partial(self.put, gateway))
        assert await call(app, "GET", "/v1/memory/traces/trc_9") == (200, {"id": "trc_9"})

    async def test_a_vault_key_sees_its_own_users_only(self, app, gateway):
        await self.put(gateway)
        await store_messages(gateway, "bob", "y")
        ann = await make_key(gateway, KeyKind.VAULT, user="ann")
        bob = await make_key(gateway, KeyKind.VAULT, user="bob")
        assert (await call(app, "GET", "/v1/memory/traces/trc_9", key=ann))[0] == 200
        assert (await call(app, "GET", "/v1/memory/traces/trc_9", key=bob))[0] == 404


class TestProviders:
    KEY = "sk-proj-0123456789abcdef"

    async def test_a_key_goes_in_and_never_comes_out(self, app, gateway):
        admin = await make_key(gateway, KeyKind.ADMIN)
        status, made = await call(app, "PUT", "/v1/memory/providers/gemini", {"key": self.KEY}, admin)
        assert (status, made["provider"], made["hint"]) == (200, "google", "…cdef")
        status, added = await call(app, "POST", "/v1/memory/providers", {"provider": "openai", "key": self.KEY}, admin)
        assert (status, added["object"]) == (201, "provider_key")
        _, listed = await call(app, "GET", "/v1/memory/providers", key=admin)
        assert [one["provider"] for one in listed["data"]] == ["google", "openai"]
        assert self.KEY not in json.dumps([made, added, listed])
        assert await gateway.credentials.of(PROJECT) == {"google": self.KEY, "openai": self.KEY}

    async def test_a_removed_key_is_gone(self, app, gateway):
        admin = await make_key(gateway, KeyKind.ADMIN)
        await call(app, "PUT", "/v1/memory/providers/openai", {"key": self.KEY}, admin)
        status, gone = await call(app, "DELETE", "/v1/memory/providers/openai", key=admin)
        assert (status, gone["deleted"]) == (200, True)
        status, missing = await call(app, "DELETE", "/v1/memory/providers/openai", key=admin)
        assert (status, missing["error"]["code"]) == (404, "provider_key_not_found")

    @pytest.mark.parametrize("kind", [KeyKind.CLIENT, KeyKind.VAULT])
    @pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("PUT", "/openai"), ("DELETE", "/openai")])
    async def test_only_an_admin_may(self, app, gateway, kind, method, path):
        key = await make_key(gateway, kind, user="ann" if kind is KeyKind.VAULT else None)
        body = {"provider": "openai", "key": self.KEY} if method == "POST" else {"key": self.KEY}
        sent = body if method in {"POST", "PUT"} else None
        assert (await call(app, method, f"/v1/memory/providers{path}", sent, key))[0] == 403
        assert await gateway.credentials.list(PROJECT) == []

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"provider": "nobody", "key": "sk-1"}, "unknown_provider"),
            ({"provider": "openai", "key": "two words"}, "invalid_provider_key"),
            ({"provider": "openai"}, "missing_field"),
        ],
    )
    async def test_what_is_wrong_is_named(self, app, gateway, body, code):
        admin = await make_key(gateway, KeyKind.ADMIN)
        status, refused = await call(app, "POST", "/v1/memory/providers", body, admin)
        assert (status, refused["error"]["code"]) == (400, code)

    async def test_a_secret_that_cannot_be_used_is_said(self, app, gateway):
        def fail():
            message = "secret.key: others may read the secret key."
            raise SettingsError(message)

        gateway.credentials.open_safe = fail
        admin = await make_key(gateway, KeyKind.ADMIN)
        status, refused = await call(app, "PUT", "/v1/memory/providers/openai", {"key": self.KEY}, admin)
        assert (status, refused["error"]["code"]) == (503, "secret_key_unusable")


class TestRequests:
    @pytest.fixture
    async def logged(self, gateway):
        of_alice = FULL._replace(project=PROJECT)
        of_bob = LEFT._replace(project=PROJECT, user="bob", status=503, started_at=MOMENT + timedelta(days=1))
        await gateway.store.requests.put_requests([of_alice, of_bob, FULL._replace(project=ProjectId("other"))])

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["req_left", "req_full"]),
            ("?user=alice", ["req_full"]),
            ("?model=m", ["req_full"]),
            ("?status=200", ["req_full"]),
            ("?status=5xx", ["req_left"]),
            ("?status=error", ["req_left"]),
            ("?from=2026-03-02T00:00:00Z", ["req_left"]),
            ("?to=2026-03-02T00:00:00Z", ["req_full"]),
            ("?after=req_left", ["req_full"]),
            ("?limit=1", ["req_left"]),
        ],
    )
    async def test_the_list_can_be_narrowed(self, app, gateway, logged, query, expected):
        status, body = await call(app, "GET", f"/v1/memory/requests{query}")
        assert (status, [one["id"] for one in body["data"]]) == (200, expected)
        assert body["has_more"] is ("limit" in query)
        assert gateway.settled == 1

    async def test_one_request(self, app, logged):
        status, body = await call(app, "GET", "/v1/memory/requests/req_full")
        assert status == 200
        assert body["memory"] == {
            "mode": "full",
            "status": "injected",
            "stored": "no",
            "count": 2,
            "tokens": 40,
            "memories": ["msg_1", "mem_2"],
        }
        assert body["usage"]["cached_tokens"] == 64
        assert body["stage_ms"] == {"authenticate": 0.5, "forward": 120.0}
        assert (await call(app, "GET", "/v1/memory/requests/req_none"))[1]["error"]["code"] == "request_not_found"

    async def test_a_vault_key_sees_its_own_user_s(self, app, gateway, logged):
        key = await make_key(gateway, KeyKind.VAULT, user="alice")
        _, body = await call(app, "GET", "/v1/memory/requests", key=key)
        assert [one["id"] for one in body["data"]] == ["req_full"]
        assert (await call(app, "GET", "/v1/memory/requests?user=bob", key=key))[0] == 403
        assert (await call(app, "GET", "/v1/memory/requests/req_left", key=key))[0] == 404
        assert (await call(app, "GET", "/v1/memory/requests/req_full", key=key))[0] == 200

    @pytest.mark.parametrize("status", ["2", "6xx", "20x", "xx", "-1"])
    async def test_a_status_that_is_none(self, app, status):
        code, body = await call(app, "GET", f"/v1/memory/requests?status={status}")
        assert (code, body["error"]["code"], body["error"]["param"]) == (400, "invalid_status", "status")


class TestReplay:
    @pytest.fixture
    async def kept(self, gateway):
        await store_messages(gateway, "alice", "hello")
        record = FULL._replace(project=PROJECT)
        bodies = RequestBodies(record.id, PROJECT, "alice", MOMENT, "chat/completions", "", (), b"{}", b"Hi")
        await gateway.store.requests.put_requests([record, LEFT._replace(project=PROJECT)], [bodies])

    async def test_the_ways_are_answered_side_by_side(self, app, gateway, kept):
        ways = [
            "none",
            "current",
            "then",
            {"strategy": "low_latency", "max_tokens": 9, "as_of": "2026-01-01T00:00:00Z"},
        ]
        status, body = await call(app, "POST", "/v1/memory/replay", {"request_id": "req_full", "with": ways})
        assert status == 200
        assert body["original"] == {"text": "Hi", "finish_reason": "stop"}
        assert [one["with"] for one in body["answers"]] == ways
        asked = gateway.replayer.calls[0]
        assert [way.mode.value for way in asked.ways] == ["off", "read", "read", "read"]
        assert asked.ways[2].as_of == FULL.started_at
        assert (asked.ways[3].strategy.value, asked.ways[3].max_tokens) == ("low_latency", 9)

    async def test_without_ways_it_is_with_memory_and_without(self, app, kept):
        _, body = await call(app, "POST", "/v1/memory/replay", {"request_id": "req_full"})
        assert [one["with"] for one in body["answers"]] == ["none", "current"]

    @pytest.mark.parametrize(
        "ways", [[], "none", ["other"], [{"mode": "off"}], [1], ["none"] * 9, [{"max_tokens": -1}], [{"as_of": "x"}]]
    )
    async def test_ways_that_are_none(self, app, gateway, kept, ways):
        status, body = await call(app, "POST", "/v1/memory/replay", {"request_id": "req_full", "with": ways})
        assert status == 400
        assert body["error"]["code"] in {"invalid_replay", "invalid_number", "invalid_time"}
        assert gateway.replayer.calls == []

    async def test_what_was_not_kept(self, app, kept):
        status, body = await call(app, "POST", "/v1/memory/replay", {"request_id": "req_left"})
        assert (status, body["error"]["code"]) == (400, "bodies_not_kept")

    async def test_a_vault_key_replays_its_own(self, app, gateway, kept):
        key = await make_key(gateway, KeyKind.VAULT, user="bob")
        assert (await call(app, "POST", "/v1/memory/replay", {"request_id": "req_full"}, key=key))[0] == 404


class TestKeys:
    async def test_a_key_is_created_shown_once_and_revoked(self, app, gateway):
        admin = await make_key(gateway, KeyKind.ADMIN)
        status, made = await call(
            app, "POST", "/v1/memory/keys", {"kind": "vault", "user": "ann", "name": "phone", "mode": "read"}, admin
        )
        assert (status, made["kind"], made["user"], made["mode"], made["name"]) == (
            201,
            "vault",
            "ann",
            "read",
            "phone",
        )
        assert made["key"].startswith("mk_")
        assert made["hint"] == made["key"][-4:]
        _, listed = await call(app, "GET", "/v1/memory/keys", key=admin)
        assert made["key"] not in json.dumps(listed)
        assert made["id"] in [one["id"] for one in listed["data"]]
        assert (await call(app, "GET", "/v1/memory/stats", key=made["key"]))[0] == 404  # ann has no vault yet
        status, gone = await call(app, "DELETE", f"/v1/memory/keys/{made['id']}", key=admin)
        assert (status, gone["deleted"]) == (200, True)
        assert (await call(app, "DELETE", f"/v1/memory/keys/{made['id']}", key=admin))[0] == 404

    async def test_the_machine_itself_creates_the_first_key(self, app):
        status, made = await call(app, "POST", "/v1/memory/keys", {"kind": "admin"})
        assert (status, made["kind"], made["project"]) == (201, "admin", "default")

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"kind": "root"}, "kind"),
            ({"kind": "vault"}, "user"),
            ({"kind": "client", "user": "ann"}, "user"),
            ({"mode": "sometimes"}, "mode"),
            ({"name": 7}, "name"),
            ({"knid": "admin"}, "knid"),
        ],
    )
    async def test_what_is_malformed_is_named(self, app, body, param):
        status, reply = await call(app, "POST", "/v1/memory/keys", body)
        assert (status, reply["error"]["param"]) == (400, param)

    @pytest.mark.parametrize("kind", [KeyKind.CLIENT, KeyKind.VAULT])
    async def test_only_admins_see_to_keys(self, app, gateway, kind):
        key = await make_key(gateway, kind, user="ann" if kind is KeyKind.VAULT else None)
        for method, target, body in (
            ("POST", "/v1/memory/keys", {}),
            ("GET", "/v1/memory/keys", None),
            ("DELETE", "/v1/memory/keys/key_1", None),
            ("GET", "/v1/memory/jobs", None),
            ("POST", "/v1/memory/jobs/replay", {}),
        ):
            status, reply = await call(app, method, target, body, key)
            assert (status, reply["error"]["code"]) == (403, "admin_key_required")

    async def test_an_admin_stays_in_its_project(self, app, gateway):
        admin = await make_key(gateway, KeyKind.ADMIN, project=ProjectId("p1"))
        other = await make_key(gateway, KeyKind.CLIENT, project=ProjectId("p2"))
        _, listed = await call(app, "GET", "/v1/memory/keys", key=admin)
        assert {one["project"] for one in listed["data"]} == {"p1"}
        assert (await call(app, "DELETE", f"/v1/memory/keys/key_{other[3:9]}", key=admin))[0] == 404
        status, reply = await call(app, "POST", "/v1/memory/keys", {"project": "p2"}, admin)
        assert (status, reply["error"]["param"]) == (403, "project")

    async def test_the_machine_itself_may_found_another_project(self, app):
        _, made = await call(app, "POST", "/v1/memory/keys", {"project": "p2"})
        assert made["project"] == "p2"


class TestJobs:
    async def fail_one(self, gateway):
        await store_messages(gateway, "ann", "x")
        (job,) = await gateway.store.jobs.lease(1, 60)
        await gateway.store.jobs.fail(job.id, "it broke", None)

    async def test_dead_letters_are_listed_and_replayed(self, app, gateway):
        await self.fail_one(gateway)
        _, listed = await call(app, "GET", "/v1/memory/jobs?user=ann")
        assert [(one["state"], one["last_error"], one["messages"]) for one in listed["data"]] == [
            ("dead", "it broke", 1)
        ]
        assert (await call(app, "POST", "/v1/memory/jobs/replay", {}))[1]["replayed"] == 1
        assert (await call(app, "GET", "/v1/memory/jobs"))[1]["data"] == []

    async def test_all_jobs_are_the_operators_to_see(self, app, gateway):
        await self.fail_one(gateway)
        admin = await make_key(gateway, KeyKind.ADMIN, project=ProjectId("p1"))
        status, reply = await call(app, "GET", "/v1/memory/jobs", key=admin)
        assert (status, reply["error"]["code"]) == (403, "operator_required")


class TestAuthorisation:
    async def test_a_vault_key_speaks_for_its_user_only(self, app, gateway):
        await store_messages(gateway, "ann", "hers")
        await store_messages(gateway, "bob", "his")
        key = await make_key(gateway, KeyKind.VAULT, user="ann")
        _, mine = await call(app, "GET", "/v1/memory/memories", key=key)
        assert [one["text"] for one in mine["data"]] == ["hers"]
        _, users = await call(app, "GET", "/v1/memory/users", key=key)
        assert [one["id"] for one in users["data"]] == ["ann"]
        for method, target, body in (
            ("GET", "/v1/memory/memories?user=bob", None),
            ("GET", "/v1/memory/users/bob", None),
            ("POST", "/v1/memory/search", {"user": "bob", "query": "q"}),
            ("POST", "/v1/memory/ingest", {"user": "bob", "messages": [{"role": "user", "content": "x"}]}),
        ):
            status, reply = await call(app, method, target, body, key)
            assert (status, reply["error"]["code"]) == (403, "wrong_user")
        assert gateway.calls.ingested == []
        assert (await call(app, "DELETE", "/v1/memory/users/ann", key=key))[1]["error"]["code"] == "wrong_key_kind"

    async def test_projects_do_not_see_each_other(self, app, gateway):
        await store_messages(gateway, "ann", "hers")
        other = await make_key(gateway, KeyKind.CLIENT, project=ProjectId("p2"))
        assert (await call(app, "GET", "/v1/memory/memories?user=ann", key=other))[0] == 404
        assert (await call(app, "GET", "/v1/memory/users", key=other))[1]["data"] == []
        await call(app, "POST", "/v1/memory/search", {"user": "ann", "query": "q"}, other)
        assert gateway.calls.searched[0][0].project == "p2"

    async def test_without_keys_only_this_machine_is_served(self, app):
        status, reply = await call(app, "GET", "/v1/memory/users", client=("203.0.113.7", 1))
        assert (status, reply["error"]["code"]) == (403, "no_keys_configured")
        assert "recollect keys create" in reply["error"]["message"]

    async def test_with_a_key_nobody_goes_without(self, app, gateway):
        key = await make_key(gateway)
        assert (await call(app, "GET", "/v1/memory/users"))[0] == 401
        assert (await call(app, "GET", "/v1/memory/users", key=key, client=("203.0.113.7", 1)))[0] == 200
        assert (await call(app, "GET", "/v1/memory/users", key=new_secret()))[0] == 401


def samples(text):
    """By name and the values of their labels, in the order of the labels' names."""
    found = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(one.name, *(value for _, value in sorted(one.labels.items()))): one.value for one in found}


class TestOperations:
    async def test_health_and_readiness(self, app, gateway):
        assert await call(app, "GET", "/healthz") == (200, {"status": "ok"})
        gateway.state = Readiness(embedder="none", notes=("no model",))
        status, body = await call(app, "GET", "/readyz")
        assert (status, body["status"], body["recall"], body["notes"]) == (200, "ready", "lexical", ["no model"])
        gateway.state = Readiness(embedder="m", spooled=3, problems=("the disk is full",))
        status, body = await call(app, "GET", "/readyz")
        assert (status, body["problems"], body["spooled"]) == (503, ["the disk is full"], 3)

    async def test_metrics_count_and_name_nobody(self, app, gateway):
        async def remembers(request, sink):
            await sink.start(200, ((b"x-memory-status", b"injected"),))
            await sink.end(b"12345")

        gateway.pipeline.handler = remembers
        gateway.state = Readiness(embedder="none", spooled=3, resting={"groq": 2})
        await store_messages(gateway, "ann", "x")
        await exchange(app, "POST", "/v1/chat/completions", body=b"{}")
        await call(app, "GET", "/v1/memory/memories?user=somebody")
        reply = await exchange(app, "GET", "/metrics")
        text = reply.body.decode()
        found = samples(text)
        assert found["recollect_requests_total", "404", "own"] == 1
        assert found["recollect_requests_total", "200", "openai"] == 1
        assert found["recollect_memory_total", "injected"] == 1
        assert found["recollect_request_duration_seconds_bucket", "+Inf", "openai"] == 1
        assert found["recollect_request_duration_seconds_count", "openai"] == 1
        assert found["recollect_requests_in_flight",] == 1
        assert found["recollect_spooled",] == 3
        assert found["recollect_upstreams_resting", "groq"] == 2
        assert found["recollect_jobs_waiting",] == 1
        assert reply.header("content-type").startswith("text/plain; version=0.0.4")
        assert "somebody" not in text

    async def test_metrics_in_openmetrics(self, app):
        accept = {"accept": "application/openmetrics-text; version=1.0.0"}
        reply = await exchange(app, "GET", "/metrics", headers=accept)
        assert reply.header("content-type").startswith("application/openmetrics-text")
        families = {one.name for one in openmetrics_families(reply.body.decode())}
        assert {"recollect_requests", "recollect_stage_duration_seconds", "process_cpu_seconds"} <= families

    @pytest.mark.parametrize(
        ("method", "target", "status", "code"),
        [
            ("GET", "/nowhere", 404, "unknown_route"),
            ("GET", "/v1/memory/nowhere", 404, "unknown_route"),
            ("GET", "/v1/memory/search", 405, "method_not_allowed"),
            ("PUT", "/healthz", 405, "method_not_allowed"),
        ],
    )
    async def test_what_is_not_there(self, app, method, target, status, code):
        found, body = await call(app, method, target)
        assert (found, body["error"]["code"]) == (status, code)

    async def test_head_is_possible_where_get_is(self, app):
        assert (await exchange(app, "HEAD", "/healthz")).status == 200

    async def test_the_root_says_where_things_are(self, app):
        assert (await call(app, "GET", "/"))[1]["base_url"] == "/v1"
