"""Which entity a name means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recollect.domain.memories import Entity

MOST_WORDS = 6
"""The longest name that is looked for in a text."""
_word = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Its words, whatever their case."""
    return _word.findall(text.casefold())


@dataclass(frozen=True, slots=True)
class Names:
    """Entities by their names and aliases; case and punctuation do not matter, and names go before aliases."""

    entities: Mapping[str, Entity]

    @classmethod
    def of(cls, entities: Iterable[Entity]) -> Names:
        """The more often mentioned first: an alias of two is the first one's."""
        known = tuple(entities)
        by_name: dict[str, Entity] = {}
        for one in known:
            by_name.setdefault(" ".join(words_of(one.name)), one)
        for one in known:
            for alias in one.aliases:
                by_name.setdefault(" ".join(words_of(alias)), one)
        by_name.pop("", None)
        return cls(by_name)

    def find(self, name: str) -> Entity | None:
        """The entity of that name or alias."""
        return self.entities.get(" ".join(words_of(name)))

    def name(self, given: str) -> str:
        """The entity's own name, or what was given."""
        entity = self.find(given)
        return given if entity is None else entity.name

    def named_in(self, *texts: str) -> tuple[str, ...]:
        """The names of the entities that these texts name, by whole words, each once."""
        found: dict[str, None] = {}
        for text in texts:
            words = words_of(text)
            for start in range(len(words)):
                for end in range(start + 1, min(start + MOST_WORDS, len(words)) + 1):
                    entity = self.entities.get(" ".join(words[start:end]))
                    if entity is not None:
                        found[entity.name] = None
        return tuple(found)
