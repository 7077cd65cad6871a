"""What people do to memories outlives deriving them anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recollect.domain.edits import Edit, EditKind, Feedback
from recollect.domain.ids import MessageNumber
from recollect.domain.memories import Attribute, Change, Claim, ConflictPolicy, Evidence, Expiry, Memory
from recollect.domain.timeline import Timeline, fold

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return MAY + timedelta(days=number)


def claim(attribute: Attribute, value: str, number: int = 1, **more: object) -> Claim:
    evidence = (Evidence(MessageNumber(number), 0, len(value), value),)
    return Claim(**{"subject": "user", "attribute": attribute, "value": value, "evidence": evidence,
                    "stated_at": day(number), "recorded_at": day(number), **more})  # fmt: skip


PORTO, LISBON = claim(Attribute.HOME, "Porto"), claim(Attribute.HOME, "Lisbon", 3)


def only(timeline: Timeline) -> Memory:
    (memory,) = timeline.believed()
    return memory


def test_an_added_memory_is_a_claim():
    added = Edit(EditKind.ADD, day(5), claim=claim(Attribute.HOME, "Rome", 9, stated_at=day(5)))
    assert [one.value for one in fold([PORTO], [added]).at(day(6))] == ["Rome"]


def test_an_edit_is_a_version_and_keeps_the_id():
    memory = only(fold([PORTO]))
    edit = Edit(EditKind.EDIT, day(2), memory.id, claim(Attribute.HOME, "Oporto", 9, stated_at=day(2)))
    timeline = fold([PORTO], [edit])
    assert [(one.version, one.value, one.expiry) for one in timeline.history(memory.id)] == [
        (1, "Porto", Expiry.EDITED),
        (2, "Oporto", None),
    ]
    assert [one.value for one in fold([PORTO, LISBON], [edit]).at(day(4))] == ["Lisbon"]
    assert only(fold([PORTO, replace(PORTO, recorded_at=day(8))], [edit])).value == "Oporto"


def test_an_edit_may_change_what_a_memory_is_about():
    memory = only(fold([PORTO]))
    edit = Edit(EditKind.EDIT, day(2), memory.id, claim(Attribute.ORIGIN, "Porto", 9, stated_at=day(2)))
    assert [(one.attribute, one.value) for one in fold([PORTO, LISBON], [edit]).at(day(4))] == [
        (Attribute.ORIGIN, "Porto"),
        (Attribute.HOME, "Lisbon"),
    ]


def test_what_is_deleted_stays_deleted_until_it_is_said_again():
    memory = only(fold([PORTO]))
    delete = Edit(EditKind.DELETE, day(2), memory.id)
    found_later = replace(PORTO, recorded_at=day(5))
    assert fold([PORTO, found_later], [delete]).memories == ()
    again = only(fold([PORTO, claim(Attribute.HOME, "Porto", 7)], [delete]))
    assert again.id != memory.id


def test_pins_and_expiry_are_marks():
    memory = only(fold([PORTO]))
    pin, unpin = Edit(EditKind.PIN, day(2), memory.id), Edit(EditKind.UNPIN, day(3), memory.id)
    assert only(fold([PORTO], [pin])).is_pinned
    assert not only(fold([PORTO], [pin, unpin])).is_pinned
    expire = Edit(EditKind.EXPIRE, day(2), memory.id, expires_at=day(9))
    timeline = fold([PORTO], [expire])
    assert (len(timeline.at(day(8))), len(timeline.at(day(9)))) == (1, 0)
    assert only(fold([PORTO], [expire, Edit(EditKind.EXPIRE, day(3), memory.id)])).expires_at is None


def test_feedback():
    memory = only(fold([PORTO]))

    def after(feedback: Feedback, *claims: Claim) -> Timeline:
        return fold([PORTO, *claims], [Edit(EditKind.FEEDBACK, day(2), memory.id, feedback=feedback)])

    assert only(after(Feedback.USEFUL)).useful == 1
    assert only(after(Feedback.NEVER_USE)).is_withheld
    assert only(after(Feedback.OUTDATED)).valid_to == day(2)
    assert after(Feedback.OUTDATED).at(day(3)) == ()
    wrong = after(Feedback.WRONG, replace(PORTO, recorded_at=day(5)))
    assert [one.expiry for one in wrong.memories] == [Expiry.DISOWNED]


def test_what_was_never_to_be_used_may_be_useful_after_all():
    memory = only(fold([PORTO]))
    edits = [
        Edit(EditKind.FEEDBACK, day(number), memory.id, feedback=feedback)
        for number, feedback in enumerate((Feedback.NEVER_USE, Feedback.USEFUL), 2)
    ]
    assert only(fold([PORTO], edits[:1])).is_withheld
    assert not only(fold([PORTO], edits)).is_withheld


def test_what_has_ended_long_ago_does_not_end_now():
    past = replace(PORTO, valid_to=day(2))
    memory = only(fold([past]))
    outdated = Edit(EditKind.FEEDBACK, day(5), memory.id, feedback=Feedback.OUTDATED)
    assert only(fold([past], [outdated])).valid_to == day(2)


def test_a_conflict_is_resolved_by_naming_what_is_right():
    names = [claim(Attribute.NAME, "Anna"), claim(Attribute.NAME, "Hanna", 2)]
    (conflict,) = fold(names, policy=ConflictPolicy.ASK).conflicts
    right = Edit(EditKind.RESOLVE, day(3), conflict.memories[1], conflict=conflict.id)
    resolved = fold(names, [right], policy=ConflictPolicy.ASK)
    assert ([one.value for one in resolved.believed()], resolved.conflicts) == (["Hanna"], ())
    both = fold(names, [Edit(EditKind.RESOLVE, day(3), conflict=conflict.id)], policy=ConflictPolicy.ASK)
    assert (len(both.believed()), both.conflicts) == (2, ())


def test_an_edit_of_what_is_no_longer_derived_does_nothing():
    memory = only(fold([PORTO]))
    assert fold([], [Edit(EditKind.PIN, day(2), memory.id)]) == Timeline()


def test_what_somebody_made_of_it_stays():
    memory = only(fold([PORTO]))
    edit = Edit(EditKind.EDIT, day(2), memory.id, claim(Attribute.HOME, "Oporto", 9, stated_at=day(2)))
    pin = Edit(EditKind.PIN, day(3), memory.id)
    left = only(fold([], [edit, pin]))
    assert (left.id, left.value, left.is_pinned) == (memory.id, "Oporto", True)
    assert fold([PORTO], [Edit(EditKind.DELETE, day(1), memory.id), edit]) == Timeline()


def test_what_was_said_earlier_and_is_learned_later_tells_of_the_past():
    imported = replace(PORTO, recorded_at=day(9))
    timeline = fold([LISBON, imported])
    assert [one.value for one in timeline.at(day(9))] == ["Lisbon"]
    assert [one.value for one in timeline.at(day(2))] == ["Lisbon", "Porto"]
    latest = fold(
        [claim(Attribute.NAME, "Hanna", 4), claim(Attribute.NAME, "Anna", 1, recorded_at=day(9))],
        policy=ConflictPolicy.LATEST_WINS,
    )
    assert only(latest).value == "Hanna"


@pytest.mark.parametrize("fuller_first", [True, False])
def test_two_extractors_that_quote_one_message_make_one_memory(fuller_first: bool):
    brief, full = claim(Attribute.HOME, "Lisbon"), claim(Attribute.HOME, "Lisbon, Portugal")
    assert len(fold([full, brief] if fuller_first else [brief, full]).memories) == 1
    elsewhere = claim(Attribute.HOME, "New Lisbon", 2)
    assert len(fold([brief, elsewhere]).believed()) == 2


def test_a_move_to_a_place_of_a_like_name_is_a_move():
    moved = claim(Attribute.HOME, "York", 2)
    left = claim(Attribute.HOME, "New York", 2, change=Change.ENDS, valid_to=day(2))
    timeline = fold([moved, left])
    assert [one.value for one in timeline.at(day(3))] == ["York"]
