"""What is stored of sessions becomes what is known of a vault."""

from __future__ import annotations

from datetime import UTC, datetime

from recollect.domain.edits import Edit, EditKind
from recollect.domain.ids import MessageNumber, SessionNumber
from recollect.domain.knowledge import KnowledgeRecord, SessionWindow, WindowExtraction
from recollect.domain.memories import Attribute, Claim, Entity, Evidence, Extraction, SessionSummary
from recollect.remembering.knowledge import folded

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def evidence(number: int, quote: str = "x") -> tuple[Evidence, ...]:
    return (Evidence(MessageNumber(number), 0, len(quote), quote),)


def claim(value: str, number: int, attribute: Attribute = Attribute.LIKES) -> Claim:
    return Claim("user", attribute, value, evidence(number), MAY, recorded_at=MAY)


def window(session: int, *numbers: int, extractor: str = "rules", place: int = 0, **found: object) -> SessionWindow:
    messages = tuple(map(MessageNumber, numbers))
    return SessionWindow(
        SessionNumber(session), extractor, WindowExtraction(place, "1", "d", messages, Extraction(**found), MAY)
    )


def test_what_abandoned_messages_say_does_not_count():
    found = {
        "claims": (claim("tea", 1), claim("coffee", 2)),
        "entities": (Entity("Anna", (MessageNumber(2),)), Entity("Ben", (MessageNumber(1), MessageNumber(2)))),
        "summary": SessionSummary(evidence(1)),
    }
    known = folded(KnowledgeRecord(1, (window(1, 1, 2, **found),), abandoned=frozenset({MessageNumber(2)})))
    assert [one.value for one in known.timeline.memories] == ["tea"]
    assert [(one.name, one.mentions) for one in known.entities] == [("Ben", (1,))]
    assert known.summaries == {}


def test_a_message_captured_for_an_edit_says_what_the_edit_says():
    edit = Edit(EditKind.ADD, MAY, claim=claim("allergic to nuts", 3, Attribute.NOTE), told=MessageNumber(3))
    record = KnowledgeRecord(1, (window(1, 3, claims=(claim("nuts", 3, Attribute.ALLERGY),)),), (edit,))
    assert [one.attribute for one in folded(record).timeline.memories] == [Attribute.NOTE]


def test_an_edit_that_points_at_an_abandoned_message_does_not_count():
    edit = Edit(EditKind.ADD, MAY, claim=claim("tea", 2))
    assert len(folded(KnowledgeRecord(1, (), (edit,))).timeline.memories) == 1
    assert folded(KnowledgeRecord(1, (), (edit,), frozenset({MessageNumber(2)}))).timeline.memories == ()


def test_a_sessions_summary_is_the_models_where_there_is_one():
    plain = [window(1, n, place=n, summary=SessionSummary(evidence(n, f"s{n}"))) for n in (1, 2)]
    assert folded(KnowledgeRecord(1, tuple(plain))).summaries[SessionNumber(1)].text == "s1\ns2"
    models = window(1, 1, 2, extractor="llm", summary=SessionSummary(evidence(1), "In short.", "At length."))
    summary = folded(KnowledgeRecord(1, (*plain, models))).summaries[SessionNumber(1)]
    assert (summary.text, summary.long) == ("In short.", "At length.")


def test_the_profile_is_of_whom_most_is_known():
    claims = [claim("tea", 1), claim("Lisbon", 2, Attribute.HOME)]
    named = [Claim("Bob", one.attribute, one.value, one.evidence, MAY, recorded_at=MAY) for one in claims]
    assert folded(KnowledgeRecord(1, (window(1, 1, 2, claims=tuple(named)),))).profile(at=MAY) == (
        "home: Lisbon\nlikes: tea"
    )
    assert folded(KnowledgeRecord(1)).profile(at=MAY) == ""
