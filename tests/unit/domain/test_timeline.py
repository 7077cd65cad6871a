from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from recollect.domain.folding import key_of
from recollect.domain.ids import MessageNumber
from recollect.domain.memories import Attribute, Change, Claim, ConflictPolicy, Evidence, Expiry, Memory
from recollect.domain.timeline import Timeline, fold

TODAY = datetime(2026, 5, 12, tzinfo=UTC)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def claim(attribute: Attribute, value: str, number: int = 1, **more: object) -> Claim:
    fields = {
        "subject": "user",
        "attribute": attribute,
        "value": value,
        "evidence": (Evidence(MessageNumber(number), 0, len(value), value),),
        "stated_at": TODAY + timedelta(days=number),
    }
    return Claim(**{**fields, **more})


def folded(*claims: Claim, policy: ConflictPolicy = ConflictPolicy.KEEP_BOTH) -> Timeline:
    return fold((replace(one, recorded_at=one.recorded_at or TODAY) for one in claims), policy=policy)


def values(memories: tuple[Memory, ...]) -> list[str]:
    return [one.value for one in memories]


def test_a_repeated_claim_adds_evidence_and_no_memory():
    timeline = folded(claim(Attribute.PET, "a dog", 1), claim(Attribute.PET, "A  dog", 2))
    (memory,) = timeline.memories
    assert [one.message for one in memory.evidence] == [1, 2]
    assert memory.version == 1


def test_a_new_home_ends_the_old_one():
    timeline = folded(claim(Attribute.HOME, "Porto"), claim(Attribute.HOME, "Lisbon", 2, valid_from=day("2026-05-14")))
    assert values(timeline.at(day("2026-05-13"))) == ["Porto"]
    assert values(timeline.at(day("2026-05-14"))) == ["Lisbon"]
    old, revised = timeline.history(timeline.memories[0].id)
    assert (old.expired_at, old.expiry, old.valid_to) == (TODAY, Expiry.SUPERSEDED, None)
    assert (revised.version, revised.valid_to, revised.expired_at) == (2, day("2026-05-14"), None)


def test_what_was_known_earlier_can_still_be_asked():
    second = folded(
        claim(Attribute.HOME, "Porto", recorded_at=day("2026-05-01")),
        claim(Attribute.HOME, "Lisbon", 2, recorded_at=day("2026-06-01")),
    )
    later = day("2026-12-01")
    assert values(second.at(later)) == ["Lisbon"]
    assert values(second.at(later, known_at=day("2026-05-20"))) == ["Porto"]
    assert values(second.at(later, known_at=day("2026-04-01"))) == []


def test_a_claim_of_the_past_ends_nothing():
    past = claim(Attribute.HOME, "Rome", 2, change=Change.ENDS, valid_to=day("2020-01-01"))
    timeline = folded(claim(Attribute.HOME, "Porto"), past)
    assert values(timeline.at(TODAY)) == ["Porto"]
    assert values(timeline.at(day("2019-01-01"))) == ["Porto", "Rome"]


def test_what_is_so_no_longer_ends():
    timeline = folded(claim(Attribute.LIKES, "jazz"), claim(Attribute.LIKES, "jazz", 2, change=Change.ENDS))
    assert values(timeline.at(TODAY)) == ["jazz"]
    assert values(timeline.at(TODAY + timedelta(days=3))) == []
    assert [one.message for one in timeline.history(timeline.memories[0].id)[-1].evidence] == [1, 2]


def test_what_begins_again_is_a_memory_of_its_own():
    timeline = folded(
        claim(Attribute.HOME, "Porto", 1), claim(Attribute.HOME, "Lisbon", 2), claim(Attribute.HOME, "Porto", 3)
    )
    assert values(timeline.at(TODAY + timedelta(days=4))) == ["Porto"]
    assert len({one.id for one in timeline.memories}) == 3


def test_likes_live_side_by_side():
    timeline = folded(claim(Attribute.LIKES, "tea"), claim(Attribute.LIKES, "coffee", 2))
    assert values(timeline.at(TODAY)) == ["tea", "coffee"]


def test_only_the_same_subject_and_attribute_are_touched():
    timeline = folded(
        claim(Attribute.HOME, "Porto"),
        claim(Attribute.HOME, "Lisbon", 2, subject="Bob"),
        claim(Attribute.ORIGIN, "Lisbon", 3),
    )
    assert len(timeline.at(TODAY)) == 3
    assert all(one.version == 1 for one in timeline.memories)


def test_a_correction_expires_what_was_never_so():
    timeline = folded(
        claim(Attribute.HOME, "Bonn", valid_from=day("2020-01-01")),
        claim(Attribute.HOME, "Bern", 2, change=Change.CORRECTS),
    )
    assert values(timeline.at(day("2021-01-01"))) == ["Bern"]
    assert timeline.history(timeline.memories[0].id)[-1].expiry is Expiry.CORRECTED
    assert len(timeline.history(timeline.memories[0].id)) == 1


def test_a_correction_names_the_value_that_is_wrong():
    pets = [claim(Attribute.PET, name, place) for place, name in enumerate(("dog Rex", "cat Tom"), 1)]
    timeline = folded(*pets, claim(Attribute.PET, "dog Max", 3, change=Change.CORRECTS, denied="dog Rex"))
    assert values(timeline.at(TODAY)) == ["cat Tom", "dog Max"]


def test_a_correction_of_one_like_leaves_the_others():
    timeline = folded(claim(Attribute.LIKES, "tea"), claim(Attribute.LIKES, "coffee", 2, change=Change.CORRECTS))
    assert values(timeline.at(TODAY)) == ["tea", "coffee"]


def test_a_beginning_that_becomes_known_is_a_version():
    timeline = folded(claim(Attribute.HOME, "Porto"), claim(Attribute.HOME, "Porto", 2, valid_from=day("2019-01-01")))
    assert [one.version for one in timeline.history(timeline.memories[0].id)] == [1, 2]
    assert timeline.history(timeline.memories[0].id)[0].expiry is Expiry.REFINED
    assert values(timeline.at(day("2018-01-01"))) == []
    assert values(timeline.at(day("2019-06-01"))) == ["Porto"]


def test_claims_are_taken_in_the_order_of_their_statement():
    newer, older = claim(Attribute.HOME, "Lisbon", 5), claim(Attribute.HOME, "Porto", 1)
    assert folded(newer, older) == folded(older, newer)


def test_a_second_name_is_settled_by_policy():
    names = [claim(Attribute.NAME, "Anna"), claim(Attribute.NAME, "Hanna", 2)]
    both = folded(*names)
    assert (values(both.at(TODAY)), both.conflicts) == (["Anna", "Hanna"], ())
    latest = folded(*names, policy=ConflictPolicy.LATEST_WINS)
    assert values(latest.at(TODAY)) == ["Hanna"]
    asked = folded(*names, policy=ConflictPolicy.ASK)
    assert values(asked.at(TODAY)) == ["Anna", "Hanna"]
    (conflict,) = asked.conflicts
    assert conflict.memories == tuple(one.id for one in asked.memories)
    assert conflict.values == ("Anna", "Hanna")


def test_plans_live_side_by_side_and_are_over_after_their_day():
    plan = claim(Attribute.PLAN, "exam on Friday", valid_from=day("2026-05-15"), valid_to=day("2026-05-16"))
    timeline = folded(
        plan, claim(Attribute.PLAN, "exam on Friday", 2, valid_from=plan.valid_from, valid_to=plan.valid_to)
    )
    assert len({one.id for one in timeline.memories}) == 1
    assert values(timeline.at(day("2026-05-15"))) == ["exam on Friday"]
    assert values(timeline.at(day("2026-05-17"))) == []


def test_folding_is_repeatable():
    claims = [claim(Attribute.HOME, "Porto"), claim(Attribute.HOME, "Lisbon", 2), claim(Attribute.PET, "a dog", 3)]
    once = folded(*claims)
    assert folded(*claims) == once
    repeated = [replace(one, recorded_at=TODAY + timedelta(days=9)) for one in claims[1:]]
    again = folded(*claims, *repeated)
    assert values(again.at(TODAY + timedelta(days=10))) == ["Lisbon", "a dog"]
    assert len(again.memories) == len(once.memories)


def test_values_are_compared_without_case_and_article():
    assert key_of("The  Beatles") == key_of("the beatles") == "beatles"
    assert key_of("A") == "a"
