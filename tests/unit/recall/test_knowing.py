"""Memories and summaries beside the passages that they were taken from."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recollect.domain.edits import Edit, EditKind, Feedback
from recollect.domain.memories import ConflictPolicy
from recollect.domain.recall import MemoryStatus
from recollect.extractors.rules import RuleExtractor
from recollect.recall.knowing import KnowingRecaller
from recollect.remembering.knowledge import Knowledge
from recollect.worker import ExtractionSettings, ExtractionWorker
from tests.unit.recall.rooms import FILLER, MONDAY, Room

TUESDAY = MONDAY + timedelta(days=1)


class Person(Room):
    """A vault whose sessions are read at once."""

    def __init__(self, policy=ConflictPolicy.KEEP_BOTH):
        super().__init__()
        self.knowledge = Knowledge(self.store.knowledge, policy=policy)
        self.reader = ExtractionWorker(self.store, [RuleExtractor()], settings=ExtractionSettings(quiet_s=0.0))
        self.engine = KnowingRecaller(self.engine, self.knowledge, self.store.messages)

    async def tell(self, *texts, session="s1", at=MONDAY, **more):
        await self.say(*texts, session=session, at=at, **more)
        await self.index()
        known = await self.store.sessions.find_session(self.vault, session)
        await self.store.knowledge.request(self.vault, known.number)
        await self.reader.run_until_idle()

    async def believed(self, value):
        known = await self.knowledge.of(self.vault)
        return next(one for one in known.timeline.believed() if one.value == value)


def statements(hits, kind="memory"):
    return [hit.text for hit in hits if hit.kind == kind]


@pytest.fixture
async def mover():
    """Somebody who moved, among much else."""
    person = Person()
    await person.tell("I live in Porto.", *FILLER[:60])
    await person.tell("I moved from Porto to Lisbon in April.", session="s2", at=MONDAY + timedelta(days=60))
    return person


async def test_search_gives_a_memory_behind_its_passage_with_its_quotes(mover):
    result = await mover.recall("Where do I live?", now=MONDAY + timedelta(days=90))
    place = next(place for place, hit in enumerate(result.ranking) if hit.kind == "memory")
    memory, passage = result.ranking[place], result.ranking[place - 1]
    assert memory.id.startswith("mem_")
    assert passage.text == "I live in Porto.", "what is so now comes up for what was so before"
    for source in memory.sources:
        assert source.quote in source.message.text


async def test_a_block_says_what_has_changed_since(mover):
    result = await mover.recall("Where do I live?", now=MONDAY + timedelta(days=90), max_tokens=300)
    [line] = statements(result.selection)
    assert line.startswith("home: Lisbon (since 2024-04-01; before: Porto")


async def test_as_of_tells_what_was_so_then(mover):
    result = await mover.recall("Where do I live?", as_of=MONDAY + timedelta(days=10))
    assert statements(result.ranking) == ["home: Porto"]


async def test_as_of_tells_what_was_so_though_it_was_said_later():
    person = Person()
    await person.tell(*FILLER[:60])
    await person.tell(
        "I moved from Porto to Lisbon in April.", "I love hiking.", session="s2", at=MONDAY + timedelta(days=60)
    )
    result = await person.recall("Where do I live? Porto", as_of=MONDAY + timedelta(days=10), max_tokens=300)
    assert statements(result.ranking) == statements(result.selection) == ["home: Porto"]
    result = await person.recall("What do I love? hiking", as_of=MONDAY + timedelta(days=10), max_tokens=300)
    assert "likes: hiking" not in statements(result.ranking)
    assert "hiking" not in str([hit.text for hit in result.selection])


async def test_the_profile_of_a_moment_knows_nothing_that_was_said_later():
    person = Person()
    await person.tell("I love hiking.", *FILLER[:5])
    later = MONDAY + timedelta(days=60)
    await person.tell("I moved from Porto to Lisbon in April.", "I love hiking.", "I love tea.", session="s2", at=later)
    then = await person.engine.profile(person.vault, MONDAY + timedelta(days=10))
    assert then.lines == ("home: Porto", "likes: hiking")
    now = await person.engine.profile(person.vault, later + timedelta(days=1))
    assert now.lines[0].startswith("home: Lisbon")
    assert "tea" in now.lines[1]


async def test_as_of_hides_later_summaries():
    person = Person()
    for number in range(3):
        at = MONDAY + timedelta(days=number)
        await person.tell(f"The plan for garden number {number} is a pond.", "We dig.", session=f"s{number}", at=at)
    result = await person.recall(
        "boiling", as_of=MONDAY + timedelta(days=1, hours=1), last_n_summaries=1, max_tokens=400
    )
    [summary] = statements(result.selection, "summary")
    assert "number 1" in summary


async def test_what_a_passage_says_by_itself_is_not_said_twice():
    person = Person()
    await person.tell("I love hiking.", *FILLER[:60])
    result = await person.recall("What do I love? hiking", max_tokens=300)
    assert "I love hiking." in [hit.text for hit in result.selection]
    assert statements(result.selection) == []
    assert statements(result.ranking) == ["likes: hiking"]


async def test_what_is_pinned_is_said_and_what_is_never_to_be_used_is_not():
    person = Person()
    await person.tell("I love hiking.", *FILLER[:60])
    memory = await person.believed("hiking")
    await person.store.knowledge.add_edit(person.vault, Edit(EditKind.PIN, TUESDAY, memory.id))
    result = await person.recall("What do I love? hiking", max_tokens=300)
    assert statements(result.selection) == ["likes: hiking"]
    withheld = Edit(EditKind.FEEDBACK, TUESDAY + timedelta(hours=1), memory.id, feedback=Feedback.NEVER_USE)
    await person.store.knowledge.add_edit(person.vault, withheld)
    result = await person.recall("What do I love? hiking", max_tokens=300)
    assert statements(result.ranking) == statements(result.selection) == []


async def test_a_silent_gate_stays_silent(mover):
    result = await mover.recall("What is the boiling point of ethanol?", max_tokens=300)
    assert result.selection == ()


async def test_a_question_may_mean_a_name_without_saying_it():
    person = Person()
    await person.tell("My sister Berta is a nurse.", *FILLER[:60], "Berta has started at the hospital in Bonn.")
    result = await person.recall("Where does my sister work?", max_tokens=200)
    assert any("hospital in Bonn" in hit.text for hit in result.selection)


@pytest.mark.parametrize("count", [1, 2])
async def test_the_newest_summaries_come_along_where_they_are_asked_for(count):
    person = Person()
    for number in range(3):
        await person.tell(
            f"The plan for garden number {number} is a pond with fish.", "We dig on Friday.", session=f"s{number}"
        )
    result = await person.recall("boiling point of ethanol", last_n_summaries=count, max_tokens=400)
    assert result.status is MemoryStatus.INJECTED
    found = statements(result.selection, "summary")
    assert len(found) == count
    assert "number 2" in found[0]


async def test_a_summary_comes_along_from_a_threshold_on():
    person = Person()
    await person.tell("The plan for the garden is a pond with fish.", *FILLER[:60])
    without = await person.recall("a pond in the garden", max_tokens=600)
    assert statements(without.selection, "summary") == []
    result = await person.recall("a pond in the garden", max_tokens=600, summaries_threshold=0.1)
    assert len(statements(result.selection, "summary")) == 1


async def test_a_conflict_is_told_so_that_it_can_be_asked_about():
    person = Person(ConflictPolicy.ASK)
    await person.tell("My name is Anna.", *FILLER[:60])
    await person.tell("My name is Hanna.", session="s2", at=TUESDAY)
    result = await person.recall("What is my name?", max_tokens=300)
    [line] = [line for line in statements(result.selection) if "two answers" in line]
    assert "Anna" in line
    assert "Hanna" in line


async def test_memories_keep_to_the_budget(mover):
    for budget in (100, 150, 300):
        result = await mover.recall("Where do I live? printer window", max_tokens=budget)
        assert sum(hit.tokens for hit in result.selection) <= budget


async def test_what_the_request_quotes_already_is_not_said_again(mover):
    first = await mover.recall("Where do I live?", max_tokens=300)
    quoted = frozenset(number for hit in first.selection for number in hit.numbers)
    again = await mover.recall("Where do I live?", max_tokens=300, excluded=quoted)
    assert statements(again.selection) == []
