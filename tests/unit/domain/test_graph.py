"""Entities of many sessions are one graph."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from recollect.domain.graph import co_occurrences, fold_relations, merge_entities
from recollect.domain.ids import MessageNumber
from recollect.domain.memories import Change, Entity, Evidence, Relation

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def entity(name: str, *mentions: int, aliases: tuple[str, ...] = ()) -> Entity:
    return Entity(name, tuple(map(MessageNumber, mentions)), aliases)


def relation(name: str, number: int = 1, *, to: str = "Ben", **more: object) -> Relation:
    evidence = (Evidence(MessageNumber(number), 0, 1, "x"),)
    return Relation("Anna", name, to, evidence, MAY + timedelta(days=number), **more)


def test_a_name_is_one_entity_whatever_its_case():
    (one,) = merge_entities([entity("ACME", 1), entity("Acme", 3, 2)])
    assert one.mentions == (1, 2, 3)
    assert {one.name, *one.aliases} == {"ACME", "Acme"}


def test_an_alias_leads_to_the_one_whose_it_is():
    anna = entity("Anna Schmidt", 1, aliases=("Anna",))
    (one,) = merge_entities([entity("Anna", 2), anna])
    assert (one.name, one.aliases, one.mentions) == ("Anna Schmidt", ("Anna",), (1, 2))
    other = entity("Anna Meyer", 3, aliases=("Anna",))
    assert len(merge_entities([entity("Anna", 2), anna, other])) == 3


def test_two_are_linked_by_being_named_together_in_any_sessions():
    (pair,) = co_occurrences(merge_entities([entity("Anna", 1), entity("Ben", 1), entity("Anna", 7), entity("Ben", 7)]))
    assert (pair.first, pair.second, pair.messages) == ("Anna", "Ben", (1, 7))


def test_a_relation_that_is_repeated_is_confirmed():
    (one,) = fold_relations([relation("knows", 2), relation("knows", 1)])
    assert [each.message for each in one.evidence] == [1, 2]
    assert one.is_valid_at(MAY + timedelta(days=99))


def test_a_relation_ends_and_may_begin_again():
    ended, again = fold_relations([relation("works with"), relation("works with", 2, change=Change.ENDS),
                                   relation("works with", 3)])  # fmt: skip
    assert ended.valid_to == MAY + timedelta(days=2)
    assert again.valid_to is None


def test_a_correction_changes_only_its_own_pair():
    stated = [relation("sister of"), relation("sister of", to="Carl"), relation("cousin of", 2, change=Change.CORRECTS)]
    assert [(one.relation, one.object) for one in fold_relations(stated)] == [
        ("sister of", "Carl"),
        ("cousin of", "Ben"),
    ]
