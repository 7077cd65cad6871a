"""Who is linked to whom, what contradicts itself, and sessions that are read when somebody asks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from recollect.domain.ids import SessionNumber
from recollect.domain.keys import KeyKind
from recollect.domain.knowledge import WindowExtraction
from recollect.domain.memories import Entity, Evidence, Extraction, Relation, SessionSummary
from tests.unit.server.fakes import PROJECT, store_messages
from tests.unit.server.test_memories import MARCH, only, read, say
from tests.unit.server.test_nouns import call, make_key

APRIL = datetime(2026, 4, 1, tzinfo=UTC)


async def put(gateway, texts, relations, entities=(), summary=None):
    """Say something, and have a model find these relations in it: (subject, relation, object, from, to)."""
    await say(gateway, *texts)
    vault = await gateway.store.vaults.open_vault(PROJECT, "ann", may_create=False)
    messages = await gateway.store.messages.session_messages(vault.id, SessionNumber(1), limit=100)
    first = messages[0]
    evidence = (Evidence(first.number, 0, len(first.text), first.text),)
    found = Extraction(
        relations=tuple(
            Relation(subject, relation, other, evidence, first.occurred_at, valid_from=begins, valid_to=ends)
            for subject, relation, other, begins, ends in relations
        ),
        entities=tuple(Entity(name, (first.number,), aliases) for name, aliases in entities),
        summary=summary,
    )
    window = WindowExtraction(0, "1", "d", (first.number,), found, first.captured_at)
    await gateway.store.knowledge.put_windows(vault.id, SessionNumber(1), "llm", [window], 1)


CHAIN = [
    ("Anna", "works_at", "Acme", None, APRIL),
    ("Anna", "works_at", "Globex", APRIL, None),
    ("Globex", "owned_by", "Initech", None, None),
    ("Initech", "led_by", "Bill", None, None),
]


async def graph(app, query):
    status, body = await call(app, "GET", f"/v1/memory/graph?user=ann&{query}")
    assert status == 200, body
    return body


def links(body):
    return [(one["subject"], one["relation"], one["object"]) for one in body["relations"]]


class TestGraph:
    async def test_neighbours_by_depth(self, app, gateway):
        await put(gateway, ["something"], CHAIN, [("Anna", ("Annie",))])
        body = await graph(app, "entity=annie")
        assert (body["entity"], links(body)) == ("Anna", [("Anna", "works_at", "Globex")])
        assert [(one["name"], one["distance"]) for one in body["entities"]] == [("Anna", 0), ("Globex", 1)]
        assert body["entities"][0]["aliases"] == ["Annie"]
        deeper = await graph(app, "entity=Anna&depth=3")
        assert [one["name"] for one in deeper["entities"]] == ["Anna", "Globex", "Initech", "Bill"]
        assert len((await graph(app, "entity=Anna&depth=3&limit=2"))["entities"]) == 2

    async def test_relations_have_a_time(self, app, gateway):
        await put(gateway, ["something"], CHAIN)
        then = await graph(app, "entity=Anna&as_of=2026-03-01")
        assert links(then) == [("Anna", "works_at", "Acme")]
        past = await graph(app, "entity=Anna&status=past")
        (relation,) = past["relations"]
        assert (relation["status"], relation["valid_to"]) == ("past", "2026-04-01T00:00:00Z")
        assert [one["quote"] for one in relation["sources"]] == ["something"]
        assert len(links(await graph(app, "entity=Anna&status=all"))) == 2

    async def test_the_way_from_one_to_another(self, app, gateway):
        await put(gateway, ["something"], CHAIN)
        body = await graph(app, "entity=Anna&to=bill")
        (path,) = body["paths"]
        assert [one["relation"] for one in path] == ["works_at", "owned_by", "led_by"]
        assert [one["name"] for one in body["entities"]] == ["Anna", "Globex", "Initech", "Bill"]
        await put(gateway, ["something"], [("Anna", "knows", "Ben", None, None), ("Carl", "knows", "Dora", None, None)])
        assert (await graph(app, "entity=Anna&to=Dora"))["paths"] == []
        assert (await graph(app, "entity=Anna&to=Anna"))["paths"] == []

    async def test_several_ways_of_the_same_length(self, app, gateway):
        square = [("A", "r1", "B", None, None), ("A", "r2", "C", None, None), ("B", "r3", "D", None, None)]
        await put(gateway, ["something"], [*square, ("C", "r4", "D", None, None)])
        paths = (await graph(app, "entity=A&to=D"))["paths"]
        assert sorted([one["relation"] for one in path] for path in paths) == [["r1", "r3"], ["r2", "r4"]]

    async def test_rules_alone_link_by_memories_and_by_who_is_named_together(self, app, gateway):
        await say(gateway, "My sister Berta lives in Bonn.", "Berta and Bonn again.", "I live in Bonn.")
        body = await graph(app, "entity=Bonn")
        home = next(one for one in body["relations"] if one["subject"] == "user" and one["relation"] == "home")
        assert home["memory_id"] == (await only(app, "&attribute=home&subject=user"))["id"]
        assert {(one["first"], one["second"]) for one in body["co_occurrences"]} == {("Berta", "Bonn")}

    async def test_without_an_entity_the_most_mentioned(self, app, gateway):
        await say(gateway, "We saw Berta and Ben.", "I called Berta.", "There are Berta and Ben.")
        body = await graph(app, "limit=1")
        assert (body["entity"], [one["name"] for one in body["entities"]]) == (None, ["Berta"])
        await say(gateway, "I live in Bonn.")
        body = await graph(app, "limit=10")
        assert ("user", "home", "Bonn") in links(body)

    @pytest.mark.parametrize(
        ("query", "status", "param"),
        [
            ("entity=Nobody", 404, "entity"),
            ("entity=Anna&to=Nobody", 404, "entity"),
            ("to=Anna", 400, "entity"),
            ("entity=Anna&depth=4", 400, "depth"),
            ("entity=Anna&status=dead", 400, "status"),
        ],
    )
    async def test_bad_questions(self, app, gateway, query, status, param):
        await put(gateway, ["something"], CHAIN)
        found, body = await call(app, "GET", f"/v1/memory/graph?user=ann&{query}")
        assert (found, body["error"]["param"]) == (status, param)


class TestConflicts:
    async def two_names(self, app, gateway):
        await say(gateway, "My name is Anna.")
        await say(gateway, "My name is Hanna.", session="s2")
        _, body = await call(app, "GET", "/v1/memory/conflicts?user=ann")
        (conflict,) = body["data"]
        return conflict

    async def test_a_question_with_its_choices(self, app, gateway):
        conflict = await self.two_names(app, gateway)
        assert (conflict["attribute"], conflict["question"]) == ("name", "Which name is right: Anna, or Hanna?")
        assert [one["value"] for one in conflict["choices"]] == ["Anna", "Hanna"]
        assert all(one["sources"] for one in conflict["choices"])

    @pytest.mark.parametrize(("choice", "left"), [(0, ["Anna"]), (1, ["Hanna"]), ("both", ["Anna", "Hanna"])])
    async def test_an_answer_settles_it_for_good(self, app, gateway, choice, left):
        conflict = await self.two_names(app, gateway)
        chosen = choice if choice == "both" else conflict["choices"][choice]["memory_id"]
        target = f"/v1/memory/conflicts/{conflict['id']}"
        status, body = await call(app, "POST", target, {"user": "ann", "choice": chosen})
        assert (status, body["resolved"], len(body["memories"])) == (200, True, 2)
        await read(gateway, anew=True)
        assert (await call(app, "GET", "/v1/memory/conflicts?user=ann"))[1]["data"] == []
        _, names = await call(app, "GET", "/v1/memory/memories?user=ann&attribute=name")
        assert [one["value"] for one in names["data"]] == left
        assert (await call(app, "POST", target, {"user": "ann", "choice": chosen}))[0] == 404

    @pytest.mark.parametrize(("body", "code"), [({}, "missing_field"), ({"choice": "mem_0"}, "invalid_choice")])
    async def test_a_bad_answer(self, app, gateway, body, code):
        conflict = await self.two_names(app, gateway)
        status, reply = await call(app, "POST", f"/v1/memory/conflicts/{conflict['id']}", {"user": "ann", **body})
        assert (status, reply["error"]["param"], reply["error"]["code"]) == (400, "choice", code)


class TestReading:
    async def due(self, gateway):
        vault = await gateway.store.vaults.open_vault(PROJECT, "ann", may_create=False)
        return [
            (await gateway.store.knowledge.progress(vault=vault.id, session=SessionNumber(number))).due
            for number in (1, 2)
        ]

    async def test_a_session_is_read_when_asked_for(self, app, gateway):
        await say(gateway, "I live in Porto.")
        await say(gateway, "I love hiking.", session="a/b")
        assert await self.due(gateway) == [0, 0]
        target = "/v1/memory/sessions/a%2Fb/process"
        status, body = await call(app, "POST", target, {"user": "ann"})
        assert (status, body) == (202, {"object": "session.process", "session_id": "a/b", "processed": False})
        assert (await self.due(gateway), gateway.extraction.notified) == ([0, 1], 1)
        status, body = await call(app, "POST", target, {"user": "ann", "wait": True, "anew": True})
        assert (status, body["processed"]) == (200, True)
        assert [session for _, session in gateway.extraction.waited] == [2]
        status, body = await call(app, "POST", "/v1/memory/sessions/none/process", {"user": "ann"})
        assert (status, body["error"]["code"]) == (404, "session_not_found")

    async def test_a_summary(self, app, gateway):
        await say(gateway, "I live in Porto. " * 3, "We will plant a pear tree in the garden next week.")
        _, body = await call(app, "GET", "/v1/memory/sessions/s1/summary?user=ann")
        assert (body["id"], body["kind"], body["session_id"], body["is_verbatim"]) == ("sum_s1", "summary", "s1", True)
        assert (bool(body["sources"]), body["occurred_at"]) == (True, MARCH)
        assert body["short"]
        assert body["long"]
        _, same = await call(app, "GET", "/v1/memory/memories/sum_s1?user=ann")
        assert same == body

    async def test_a_models_summary_is_short_and_long(self, app, gateway):
        await put(gateway, ["something"], [], summary=SessionSummary((), "In short.", "At length."))
        _, body = await call(app, "GET", "/v1/memory/sessions/s1/summary?user=ann")
        assert (body["text"], body["short"], body["long"]) == ("In short.", "In short.", "At length.")
        assert body["is_verbatim"] is False

    async def test_a_session_that_was_not_read_has_no_summary(self, app, gateway):
        await store_messages(gateway, "ann", "x")
        status, body = await call(app, "GET", "/v1/memory/sessions/s1/summary?user=ann")
        assert (status, body["error"]["code"]) == (404, "summary_not_found")

    async def test_everything_is_derived_anew_of_a_user(self, app, gateway):
        await say(gateway, "I live in Porto.")
        await say(gateway, "I love hiking.", session="s2")
        await store_messages(gateway, "bob", "x")
        status, body = await call(app, "POST", "/v1/memory/reprocess", {"user": "ann"})
        assert (status, body["users"], body["sessions"], body["extractors"]) == (202, 1, 2, ["rules", "llm"])
        _, listed = await call(app, "GET", "/v1/memory/memories?user=ann&kind=memory")
        assert len(listed["data"]) == 2
        assert await self.due(gateway) == [1, 1]
        body = {"user": "ann", "session_id": "s2", "extractor": "rules", "wait": True}
        status, body = await call(app, "POST", "/v1/memory/reprocess", body)
        assert (status, body["sessions"], body["processed"], body["extractors"]) == (200, 1, True, ["rules"])

    async def test_a_whole_project_is_for_its_admin(self, app, gateway):
        await say(gateway, "I live in Porto.")
        await say(gateway, "I love hiking.", user="bob")
        client, admin = await make_key(gateway), await make_key(gateway, KeyKind.ADMIN)
        status, body = await call(app, "POST", "/v1/memory/reprocess", {}, client)
        assert (status, body["error"]["code"]) == (403, "admin_key_required")
        status, body = await call(app, "POST", "/v1/memory/reprocess", {}, admin)
        assert (status, body["users"], body["sessions"]) == (202, 2, 2)

    @pytest.mark.parametrize(
        ("body", "param", "code"),
        [
            ({"user": "ann", "extractor": "nobody"}, "extractor", "unknown_extractor"),
            ({"session_id": "s1"}, "user", "missing_field"),
            ({"wait": True}, "wait", "invalid_value"),
        ],
    )
    async def test_bad_input(self, app, gateway, body, param, code):
        await say(gateway, "I live in Porto.")
        status, reply = await call(app, "POST", "/v1/memory/reprocess", body)
        assert (status, reply["error"]["param"], reply["error"]["code"]) == (400, param, code)
