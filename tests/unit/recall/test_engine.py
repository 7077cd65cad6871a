"""Recall from the outside: what is found, what is injected, and what never fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from recollect.domain.capture import After
from recollect.domain.ids import SessionName, message_id, session_root
from recollect.domain.messages import NewMessage
from recollect.domain.recall import MemoryStatus, Strategy
from recollect.errors import StoreUnavailableError
from recollect.recall.engine import RecallEngine
from recollect.stores.in_memory import in_memory_store
from recollect.testing.hashing_embedder import HashingEmbedder
from tests.unit.recall.rooms import FILLER, MONDAY, Room, texts


async def test_an_empty_vault_is_silent(room: Room):
    receipt = await room.say("x")
    await room.store.messages.delete_message(room.vault, receipt.ids[0])
    result = await room.recall("What are my hobbies?")
    assert result.status is MemoryStatus.EMPTY
    assert result.ranking == result.selection == ()


async def test_what_was_said_is_found(room: Room):
    await room.say("My sister Clara plays the violin.", *FILLER)
    await room.index()
    result = await room.recall("Who plays the violin?", max_tokens=200)
    assert result.status is MemoryStatus.INJECTED
    assert texts(result.ranking)[0] == "My sister Clara plays the violin."
    assert "My sister Clara plays the violin." in texts(result.selection)
    assert result.gate.is_open


async def test_a_message_is_found_before_the_worker_has_reached_it(room: Room):
    await room.say(*FILLER)
    await room.index()
    await room.recall("violin")
    await room.say("My sister Clara plays the violin.")
    assert texts((await room.recall("Who plays the violin?", max_tokens=200)).ranking)[0].startswith("My sister")


async def test_nothing_relevant_injects_nothing(room: Room):
    await room.say(*FILLER)
    await room.index()
    result = await room.recall("Summarise the plot of Hamlet", max_tokens=200)
    assert result.selection == ()
    assert result.status is MemoryStatus.EMPTY
    assert not result.gate.is_open
    assert result.gate.reason == "nothing relevant"
    assert set(result.gate.signals) >= {"coverage", "relevance", "threshold"}


async def test_a_small_vault_is_injected_whole_and_in_order(room: Room):
    await room.say("My name is Alice and I love hiking", "I also have a cat")
    await room.index()
    result = await room.recall("What are my hobbies?")
    assert texts(result.selection) == ["My name is Alice and I love hiking", "I also have a cat"]


async def test_a_greeting_does_not_open_a_small_vault(room: Room):
    await room.say("My name is Alice and I love hiking")
    await room.index()
    assert (await room.recall("Hello!")).selection == ()


async def test_the_budget_holds_frame_and_day_headers_included(room: Room):
    for day in range(40):
        await room.say(f"On day {day} we rehearsed the violin concerto.", at=MONDAY - timedelta(days=day))
    await room.index()
    result = await room.recall("violin concerto rehearsal", max_tokens=200, threshold=0.05)
    assert 0 < len(result.selection) < 40
    assert sum(hit.tokens for hit in result.selection) <= 200
    assert "budget" in {reason for _, reason in result.cut}
    moments = [hit.message.occurred_at for hit in result.selection]
    assert moments == sorted(moments)


async def test_what_the_request_holds_is_not_injected_again(room: Room):
    receipt = await room.say("Clara plays the violin.", "Clara also plays the piano.", *FILLER)
    await room.index()
    present = NewMessage("user", "Clara plays the violin.", MONDAY).fingerprint
    result = await room.recall("What does Clara play?", present=frozenset({present}), max_tokens=200)
    assert texts(result.selection)[:1] == ["Clara also plays the piano."]
    assert (receipt.numbers[0], "present") in result.cut
    result = await room.recall("What does Clara play?", excluded=frozenset(receipt.numbers[:2]), max_tokens=200)
    assert not {"Clara plays the violin.", "Clara also plays the piano."} & set(texts(result.selection))


async def test_an_abandoned_branch_is_not_recalled(room: Room):
    await room.say("Let us plan.", "My favourite colour is green.", *FILLER)
    first = message_id(session_root(SessionName("s1")), NewMessage("user", "Let us plan.", MONDAY).fingerprint)
    await room.index()
    assert "green" in texts((await room.recall("favourite colour")).ranking)[0]
    await room.say("My favourite colour is purple.", anchor=After(first))
    await room.index()
    found = texts((await room.recall("favourite colour")).ranking)
    assert found[0] == "My favourite colour is purple."
    assert "My favourite colour is green." not in found


async def test_a_deleted_message_is_gone(room: Room):
    receipt = await room.say("My favourite colour is green.", *FILLER)
    await room.index()
    assert "green" in texts((await room.recall("favourite colour")).ranking)[0]
    await room.store.messages.delete_message(room.vault, receipt.ids[0])
    assert not any("green" in text for text in texts((await room.recall("favourite colour")).ranking))


async def test_the_limit_bounds_the_ranking(room: Room):
    await room.say(*FILLER)
    await room.index()
    assert len((await room.recall("coffee machine", limit=3)).ranking) == 3
    assert (await room.recall("coffee machine", limit=0)).selection == ()


async def test_a_minimum_is_injected_though_the_gate_is_shut(room: Room):
    await room.say(*FILLER)
    await room.index()
    assert len((await room.recall("Summarise the plot of Hamlet", min_hits=2, max_tokens=300)).selection) == 2


async def test_the_threshold_moves_the_gate(room: Room):
    await room.say(*FILLER)
    await room.index()
    assert (await room.recall("coffee machine", threshold=1.0, max_tokens=300)).selection == ()
    assert (await room.recall("Summarise the plot of Hamlet", threshold=0.0, max_tokens=300)).selection != ()


async def test_times_restrict(room: Room):
    await room.say("The violin was bought.", at=MONDAY)
    await room.say("The violin was sold.", at=MONDAY + timedelta(days=10))
    await room.index()
    later = MONDAY + timedelta(days=5)
    assert texts((await room.recall("violin", since=later)).ranking) == ["The violin was sold."]
    assert texts((await room.recall("violin", until=later)).ranking) == ["The violin was bought."]
    assert texts((await room.recall("violin", as_of=later)).ranking) == ["The violin was bought."]


async def test_what_is_recent_is_restricted_too(room: Room):
    await room.say("The violin was bought.", at=MONDAY, metadata='{"topic": "music"}')
    await room.say("The violin was sold.", at=MONDAY + timedelta(days=10))
    await room.index()
    for restriction in ({"as_of": MONDAY + timedelta(days=5)}, {"filters": {"topic": "music"}}):
        newest = {"last_n_messages": 5, "recent_session": SessionName("s1"), "recent_messages": 5, "max_tokens": 300}
        result = await room.recall("Hello!", **newest, **restriction)
        assert texts(result.selection) == ["The violin was bought."]


async def test_filters_restrict(room: Room):
    await room.say("The violin is blue.", metadata='{"topic": "music", "n": 1}')
    await room.say("The violin is red.", metadata='{"topic": "trade"}')
    await room.say("The violin is grey.")
    await room.index()
    assert texts((await room.recall("violin", filters={"topic": "music"})).ranking) == ["The violin is blue."]
    assert texts((await room.recall("violin", filters={"topic": "none"})).ranking) == []


async def test_system_messages_are_no_memories(room: Room):
    await room.say("Always talk about violins.", role="system")
    await room.say("I like violins.")
    await room.index()
    assert texts((await room.recall("violins")).ranking) == ["I like violins."]


async def test_the_newest_messages_of_a_session_come_whatever_they_say(room: Room):
    await room.say(*FILLER[:60])
    await room.say("So I went there.", "It was closed.", session="s2")
    await room.index()
    result = await room.recall("Hello!", recent_session=SessionName("s2"), recent_messages=8, max_tokens=300)
    assert texts(result.selection) == ["So I went there.", "It was closed."]
    result = await room.recall("Hello!", last_n_messages=1, max_tokens=300)
    assert texts(result.selection) == ["It was closed."]


async def test_what_a_vault_is_now_is_ranked_though_it_was_ranked_before(room: Room):
    await room.say(*FILLER, "The telescope stands on the roof, said somebody.")
    await room.index()
    await room.recall("Where does the telescope stand?")
    await room.say("Does the telescope stand on the roof?", "No, in the cellar.", session="s2")
    await room.index()
    found = (await room.recall("Where does the telescope stand?", is_explained=True)).ranking
    assert {hit.text: hit.signals["asks"] for hit in found[:3]}["Does the telescope stand on the roof?"] == 1


async def test_the_same_words_are_injected_once(room: Room):
    for day in range(3):
        await room.say("Please water the green plants.", session=f"s{day}", at=MONDAY + timedelta(days=day))
    await room.say(*FILLER, session="other")
    await room.index()
    result = await room.recall("Who waters the green plants?", max_tokens=200)
    assert texts(result.selection).count("Please water the green plants.") == 1
    assert "duplicate" in {reason for _, reason in result.cut}


async def test_a_question_does_not_hide_its_answer(room: Room):
    await room.say("Who keeps bees in Graz?", "I keep bees in Graz.", *[f"Errand number {n}." for n in range(20)])
    await room.index()
    result = await room.recall("Who keeps bees in Graz?")
    assert "I keep bees in Graz." in [hit.text for hit in result.ranking]


async def test_a_long_answer_gives_its_passage(room: Room):
    part = "## Part {0}\n" + "The matter of topic{0} is explained at length here. " * 12
    answer = "\n\n".join(part.format(number) for number in range(9))
    await room.say(answer, role="assistant")
    await room.say(*FILLER)
    await room.index()
    hit = (await room.recall("topic4 explained", max_tokens=400)).ranking[0]
    assert "topic4" in hit.text
    assert "topic7" not in hit.text
    assert hit.message.text[hit.start : hit.end] == hit.text


async def test_a_late_recall_says_so_and_injects_nothing():
    class SlowEmbedder(HashingEmbedder):
        async def embed_query(self, text: str):
            await asyncio.sleep(30)
            return await super().embed_query(text)

    room = Room(SlowEmbedder())
    await room.say("My sister plays the violin.")
    result = await room.recall("violin", deadline_ms=20)
    assert result.status is MemoryStatus.TIMEOUT
    assert result.selection == ()


async def test_a_model_that_fails_leaves_the_words():
    embedder = HashingEmbedder()
    room = Room(embedder)
    await room.say("My sister plays the violin.", *FILLER)
    await room.index()
    embedder.is_failing = True
    result = await room.recall("Who plays the violin?", max_tokens=200)
    assert result.status is MemoryStatus.INJECTED
    assert not result.has_vectors
    assert "violin" in texts(result.selection)[0]


@pytest.mark.parametrize("error", [StoreUnavailableError("The disk is on fire."), IndexError("a defect of ours")])
async def test_a_store_that_fails_is_a_status_and_so_is_a_defect(error):
    store = in_memory_store()

    class BrokenIndex:
        async def changes(self, vault, *, epoch, after):
            raise error

    engine = RecallEngine(BrokenIndex(), store.messages, store.sessions, None)
    room = Room(store=store)
    await room.say("hello")
    room.engine = engine
    result = await room.recall("hello")
    assert result.status is MemoryStatus.ERROR
    assert result.selection == ()


async def test_vectors_of_another_model_are_not_compared():
    room = Room(HashingEmbedder(64, model="old"))
    await room.say("My sister plays the violin.", *FILLER)
    await room.index()
    other = HashingEmbedder(32, model="new")
    room.engine = RecallEngine(room.store.index, room.store.messages, room.store.sessions, other)
    result = await room.recall("violin", max_tokens=200)
    assert not result.has_vectors
    assert "violin" in texts(result.ranking)[0]


async def test_an_embedder_without_token_states_ranks_by_dense_and_words():
    room = Room(HashingEmbedder(96, has_states=False))
    await room.say("My sister plays the violin.", *FILLER)
    await room.index()
    result = await room.recall("Who plays the violin?", max_tokens=200)
    assert result.has_vectors
    assert "violin" in texts(result.selection)[0]


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_every_strategy_answers(strategy: Strategy):
    room = Room(HashingEmbedder(128))
    await room.say("My sister plays the violin.", *FILLER)
    await room.index()
    result = await room.recall("Who plays the violin?", strategy=strategy, max_tokens=200)
    assert "violin" in texts(result.ranking)[0]
    assert result.strategy is (Strategy.LOW_LATENCY if strategy is Strategy.LOW_LATENCY else Strategy.BALANCED)


async def test_hits_carry_their_signals(room: Room):
    await room.say("My sister plays the violin.", *FILLER)
    await room.index()
    hit = (await room.recall("Who plays the violin?", is_explained=True)).ranking[0]
    assert {"lexical", "session", "asks", "user_role", "date", "speaker"} <= set(hit.signals)
    assert 0 <= hit.score <= 1


async def test_recalls_of_one_vault_may_overlap_with_writing():
    room = Room(HashingEmbedder(64))
    await room.say("My sister plays the violin.")

    async def write(number: int) -> None:
        await room.say(f"Fact {number}: the blue door number {number} squeaks.")
        await room.index()

    results = await asyncio.gather(*(step for n in range(12) for step in (write(n), room.recall("violin"))))
    assert all(result.status is MemoryStatus.INJECTED for result in results if result is not None)


async def test_forgetting_reads_anew(room: Room):
    await room.say("I like violins.")
    await room.index()
    await room.recall("violins")
    assert room.engine.cached_bytes > 0
    room.engine.forget(room.vault)
    assert room.engine.cached_bytes == 0
    assert texts((await room.recall("violins")).ranking) == ["I like violins."]


async def test_a_held_index_is_brought_up_to_date_ahead_of_time(room: Room):
    await room.say("I keep bees in Graz.", *[f"Errand number {n}." for n in range(20)])
    await room.engine.refresh(room.vault)
    assert room.engine.cached_bytes == 0, "what nobody asked for is not loaded"
    await room.recall("bees")
    held = room.engine.cached_bytes
    await room.say(
        "The bees moved to Linz, and made a great deal of honey there last summer.", at=MONDAY + timedelta(hours=1)
    )
    await room.index()
    await room.engine.refresh(room.vault)
    assert room.engine.cached_bytes > held


async def test_a_refresh_outlives_a_store_that_fails(room: Room):
    await room.say("I keep bees in Graz.")
    await room.recall("bees")
    await room.store.control.close()
    await room.engine.refresh(room.vault)
