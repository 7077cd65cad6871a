"""Whom a question speaks of: the speakers of a vault by their names, and by what the others call them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from recollect.recall.terms import term_hash

if TYPE_CHECKING:
    from recollect.recall.query import Query
    from recollect.recall.vault_index import VaultIndex

LEAST_CALLS = 4
CLEAR_SHARE = 0.8
"""A name is an alias where it was called this often, and nearly always by the same one of two."""
_PAIR = 2


def named_speakers(index: VaultIndex, query: Query) -> list[int]:
    """Numbers of the speakers whose name (its first word counts) or alias stands in the query."""
    said = set(query.words) | {word.removesuffix("'s") for word in query.words}
    named = {number for number, name in enumerate(index.speakers.texts) if name and name.lower().split()[0] in said}
    other_names = aliases(index)
    named.update(other_names[mark] for word in said if (mark := term_hash(word)) in other_names)
    return sorted(named)


def aliases(index: VaultIndex) -> dict[int, int]:
    """Hash of a name → the speaker it means, in a vault of two people.

    Who is called "Kate" by one of two is the other, whatever the name under which the other's messages were stored.
    """
    people = [number for number, name in enumerate(index.speakers.texts) if name]
    if len(people) != _PAIR:
        return {}
    known = {term_hash(index.speakers.texts[number].lower().split()[0]) for number in people}
    totals: Counter[int] = Counter()
    for (_, name), count in index.called.items():
        totals[name] += count
    found = {}
    for name, total in totals.items():
        for caller, meant in (people, people[::-1]):
            if total >= LEAST_CALLS and index.called[caller, name] >= CLEAR_SHARE * total and name not in known:
                found[name] = meant
    return found
