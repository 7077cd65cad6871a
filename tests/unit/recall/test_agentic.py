"""A model browses a vault with tools, within bounds; what it does is told, and `balanced` answers where it fails."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from recollect.domain.memories import Entity, Evidence, Extraction, Relation
from recollect.domain.messages import fingerprint
from recollect.domain.recall import MemoryStatus, Strategy
from recollect.errors import StoreUnavailableError
from recollect.providers.base import Route
from recollect.providers.chat_model import ProviderChatModel
from recollect.providers.http_upstream import HttpUpstream
from recollect.recall.agentic import AgenticRecaller, Bounds
from recollect.testing.scripted_provider import Script, ScriptedProvider, ToolCall
from recollect.worker import ExtractionSettings, ExtractionWorker
from tests.unit.recall.rooms import FILLER, MONDAY
from tests.unit.recall.test_knowing import Person

LATER = MONDAY + timedelta(days=90)


@pytest.fixture
async def provider():
    async with ScriptedProvider(Script(text="[]")) as running:
        yield running


@pytest.fixture
async def model(provider):
    upstream = HttpUpstream()
    yield ProviderChatModel(upstream, Route("p", f"{provider.base_url}/chat/completions", None), "m")
    await upstream.close()


@pytest.fixture
async def person():
    """Somebody who moved, and went to see herons with a friend, among much else."""
    person = Person()
    await person.tell("I live in Porto.", *FILLER[:60])
    await person.tell("I moved from Porto to Lisbon in April.", session="s2", at=MONDAY + timedelta(days=60))
    await person.tell(
        "Berta saw a heron with me.", "It stood in the lake.", session="s3", at=MONDAY + timedelta(days=70)
    )
    return person


@pytest.fixture
def recaller(person, model):
    return AgenticRecaller(person.engine, person.knowledge, person.store.sessions, person.store.messages, model)


@pytest.fixture
def recall(person, recaller):
    person.engine = recaller
    return lambda query="Where do I live?", **more: person.recall(
        query, **{"strategy": Strategy.AGENTIC, "now": LATER, "max_tokens": 400, **more}
    )


def use(name, **arguments):
    return ToolCall(name, orjson.dumps(arguments).decode(), f"call_{name}")


def uses(*calls):
    return Script(text="", tool_calls=calls)


def pick(words):
    """Writes the number of the entry that holds these words, as the model was shown it."""

    def answer(received):
        shown = "\n".join(str(message["content"]) for message in received.json()["messages"])
        return f"[{re.search(rf'(?m)^([0-9]+) .*{re.escape(words)}', shown)[1]}]"

    return Script(text=answer)


def shown_last(provider):
    return provider.requests[-1].json()["messages"][-1]["content"]


async def test_what_the_model_picks_is_injected_and_nothing_else(provider, recall):
    provider.then(uses(use("search", query="heron")), pick("Berta saw a heron"))
    result = await recall()
    assert [hit.text for hit in result.selection] == ["Berta saw a heron with me."]
    assert (result.status, result.strategy) == (MemoryStatus.INJECTED, Strategy.AGENTIC)
    assert [(call.tool, call.arguments) for call in result.browsing.calls] == [
        ("search", '{"query":"heron"}'),
        ("inject", "[" + re.search(r"\d+", result.browsing.calls[1].arguments)[0] + "]"),
    ]
    assert (result.browsing.model, result.browsing.steps, result.browsing.fell_back) == ("p/m", 2, "")
    assert result.browsing.tokens > 0
    assert {hit.message.number for hit in result.selection} < set(result.browsing.sources)


async def test_what_balanced_finds_is_on_the_desk_from_the_start(provider, recall):
    provider.then(uses(use("inject", ids=[1])))
    result = await recall()
    assert len(result.selection) == 1
    assert "I live in Porto." in provider.requests[0].json()["messages"][1]["content"]


async def test_choosing_nothing_injects_nothing(provider, recall):
    result = await recall()
    assert (result.status, result.selection, result.strategy) == (MemoryStatus.EMPTY, (), Strategy.AGENTIC)


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (use("search", query="heron"), "Berta saw a heron with me."),
        (use("search", query="heron", **{"from": "2024-05-01", "to": "2024-06-01"}), "Berta saw a heron with me."),
        (use("list_sessions"), "session 3, 2024-05-13"),
        (use("read_session", session=3), "It stood in the lake."),
        (use("memories_of", about="home"), "memory: home: Lisbon"),
        (use("timeline", about="home"), "home: Porto (said 2024-03-04, until 2024-04-01)"),
        (use("neighbours", entity="Berta"), "Nothing."),
        (use("read_session", session=99), "Nothing."),
        (use("read_session", session="three"), "`session` must be"),
        (use("search"), "`query` must be"),
        (use("search", query="x", **{"from": "soon"}), "must be a day"),
        (use("search", query="heron", to="2024-03-10"), "broken"),
        (ToolCall("search", "not json"), "must be a JSON object"),
        (ToolCall("search", "[1]"), "must be a JSON object"),
        (use("delete_everything"), "There is no tool of that name"),
    ],
)
async def test_what_a_tool_shows(provider, recall, call, shown):
    provider.then(uses(call))
    result = await recall()
    if shown == "broken":
        assert "heron" not in shown_last(provider)
    else:
        assert shown in shown_last(provider)
    assert result.browsing.fell_back == ""
    assert result.browsing.calls[0].tool == call.name


async def test_memories_that_are_picked_come_first_with_their_sources(provider, recall):
    provider.then(uses(use("timeline", about="home"), use("read_session", session=3)), pick("memory: home: Lisbon"))
    (memory,) = (await recall()).selection
    assert memory.kind == "memory"
    assert memory.id.startswith("mem_")
    assert all(source.quote in source.message.text for source in memory.sources)


async def test_steps_are_bounded_and_the_last_is_for_choosing(provider, recall):
    provider.script = uses(use("search", query="heron"))
    result = await recall()
    assert len(provider.requests) == 6
    last = provider.requests[-1].json()
    assert [tool["function"]["name"] for tool in last["tools"]] == ["inject"]
    assert last["tool_choice"]["function"]["name"] == "inject"
    assert (result.browsing.steps, result.browsing.fell_back, result.strategy) == (6, "steps", Strategy.BALANCED)
    assert "I live in Porto." in [hit.text for hit in result.ranking]


async def test_tokens_are_bounded(provider, recaller, recall, person):
    person.engine = replace(recaller, bounds=Bounds(tokens=1500))
    provider.script = uses(*[use("read_session", session=1)] * 5)
    result = await recall()
    assert result.browsing.fell_back == "tokens"
    assert result.browsing.tokens <= 1500
    assert len(provider.requests) < 6


async def test_seconds_are_bounded(provider, recaller, recall, person):
    person.engine = replace(recaller, bounds=Bounds(seconds=0.2))
    provider.script = Script(hang="before_head")
    result = await recall()
    assert (result.browsing.fell_back, result.strategy) == ("seconds", Strategy.BALANCED)
    assert result.browsing.took_ms < 5000
    assert result.selection


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script(status=400), "refused_400"),
        (Script(status=500), "refused_500"),
        (Script(raw=b"<html>"), "unreadable"),
        (Script(cut_after=1), "unreadable"),
        (Script(text="I think it is Lisbon."), "no_choice"),
        (uses(use("inject", ids=[77])), "unknown_ids"),
        (uses(use("inject")), "no_choice"),
        (uses(ToolCall("inject", "{")), "no_choice"),
    ],
)
async def test_balanced_answers_where_the_model_does_not(provider, person, recall, script, reason):
    ordinary = await recall(strategy=Strategy.BALANCED)
    provider.script = script
    result = await recall()
    assert (result.browsing.fell_back, result.strategy) == (reason, Strategy.BALANCED)
    assert [hit.text for hit in result.selection] == [hit.text for hit in ordinary.selection]


async def test_nobody_there(recall, recaller, person, model):
    away = replace(model, route=replace(model.route, url="http://127.0.0.1:9/v1/chat/completions"))
    person.engine = replace(recaller, model=away)
    assert (await recall()).browsing.fell_back == "unreachable"


async def test_without_a_model_balanced_answers_and_says_so(recall, recaller, person):
    person.engine = replace(recaller, model=None)
    result = await recall()
    assert (result.browsing.fell_back, result.strategy) == ("no_model", Strategy.BALANCED)


async def test_the_requests_own_model_serves_where_none_is_configured(provider, recall, recaller, person, model):
    person.engine = replace(recaller, model=None)
    assert (await recall(model=model)).strategy is Strategy.AGENTIC
    assert len(provider.requests) == 1


async def test_knowledge_that_is_away(recall, recaller, person):
    class Away:
        async def of(self, vault):
            message = "The database is locked."
            raise StoreUnavailableError(message)

    person.engine = replace(recaller, knowledge=Away())
    assert (await recall()).browsing.fell_back == "store"


async def test_what_the_request_holds_already_is_not_injected(provider, recall):
    provider.script = pick("Berta saw a heron")
    provider.then(uses(use("search", query="heron")))
    present = frozenset({fingerprint("user", "Berta saw a heron with me.")})
    result = await recall(present=present)
    assert result.selection == ()


async def test_what_lies_behind_as_of_is_not_shown(provider, recall):
    provider.then(uses(use("read_session", session=3), use("search", query="heron"), use("list_sessions")))
    await recall(as_of=MONDAY + timedelta(days=10))
    told = orjson.dumps(provider.requests[-1].json()["messages"]).decode()
    assert "heron with me" not in told
    assert "session 3," not in told


async def test_only_what_the_filters_let_through_is_shown(provider, recall):
    provider.then(uses(use("read_session", session=3), use("memories_of", about="home"), use("list_sessions")))
    await recall(filters={"topic": "work"})
    answers = [one["content"] for one in provider.requests[-1].json()["messages"] if one["role"] == "tool"]
    assert answers == ["Nothing."] * 3


async def test_the_block_keeps_to_its_budget(provider, recall):
    provider.then(uses(use("inject", ids=list(range(1, 9)))))
    result = await recall("printer in the office", max_tokens=120)
    assert len(result.selection) < 8
    assert sum(hit.tokens for hit in result.selection) + 64 <= 120


async def test_the_newest_messages_are_there_whatever_the_model_picks(provider, recall):
    provider.then(uses(use("inject", ids=[1])))
    result = await recall(last_n_messages=1)
    assert "It stood in the lake." in [hit.text for hit in result.selection]
    assert len(result.selection) == 2


async def test_progress_is_told_without_anybodys_words(provider, recall):
    told = []

    async def note(what):
        told.append(what)

    provider.then(uses(use("search", query="heron"), use("secret", query="heron")))
    await recall(on_progress=note)
    assert told == ["step 1", "search", "an unknown tool", "step 2"]


async def test_another_strategy_asks_no_model(provider, recall):
    assert (await recall(strategy=Strategy.BALANCED)).browsing is None
    assert provider.requests == []


class Linking:
    """Finds one relation: with whom somebody saw a heron."""

    name = "linking"
    version = "1"
    window_tokens = 1000

    async def extract(self, messages):
        found = [message for message in messages if "heron" in message.text]
        relations = [
            Relation("Berta", "friend_of", "Anna", (Evidence(one.number, 0, 5, "Berta"),), one.occurred_at)
            for one in found
        ]
        entities = [Entity("Berta", (one.number,), ("Bertie",)) for one in found]
        return Extraction(entities=tuple(entities), relations=tuple(relations))


async def test_relations_are_found_by_alias_and_can_be_picked(provider, recall, person):
    person.reader = ExtractionWorker(person.store, [Linking()], settings=ExtractionSettings(quiet_s=0.0))
    await person.store.knowledge.request(person.vault, anew=True)
    await person.reader.run_until_idle()
    provider.then(uses(use("neighbours", entity="bertie")), pick("Berta friend of Anna"))
    (relation,) = (await recall()).selection
    assert (relation.statement, relation.sources[0].quote) == ("Berta friend of Anna", "Berta")
    assert relation.id.startswith("rel_")
