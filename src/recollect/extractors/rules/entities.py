"""Who and what messages name: by capital letters alone."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from recollect.domain.memories import Entity
from recollect.extractors.base import EVIDENCE_ROLES
from recollect.extractors.rules.clauses import MASK, mask_foreign, sentence_spans
from recollect.extractors.rules.words import word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recollect.domain.ids import MessageNumber
    from recollect.domain.messages import StoredMessage

_word = r"[A-ZÀ-ÖØ-Þ][\w\-À-ÿ]*(?:'[A-Z]\w+)?"
_names = re.compile(rf"\b{_word}(?: (?:of|de|del|la|von|van|der|the) {_word}| {_word}){{0,3}}")
_plain = re.compile(r"\b[a-zß-ÿ][\w\-ß-ÿ]+")
_german = re.compile(
    r"\b(?:der|die|das|und|ich|nicht|ist|ein|eine|mit|auf|für|auch|wir|habe|bin|im|dem|den)\b", re.IGNORECASE
)
_other = re.compile(r"\b(?:the|and|of|to|is|you|for|el|los|que|una|por|con|es|mi)\b", re.IGNORECASE)
MOST_ENTITIES = 200


def entities_of(messages: Sequence[StoredMessage], known: Iterable[str] = ()) -> tuple[Entity, ...]:
    """Names in users' and assistants' words, and ``known`` ones (of claims), most mentioned first.

    A word that opens a sentence counts only where it also stands capitalised inside one, and one that is written small
    elsewhere does not count. German, which capitalises every noun, adds nothing but known names. A short name that
    begins just one longer one is its alias.
    """
    spoken = [message for message in messages if message.role in EVIDENCE_ROLES]
    certain = {name for name in known if name[:1].isupper()}
    certain |= {message.name for message in spoken if message.name}
    openings: dict[str, set[MessageNumber]] = defaultdict(set)
    small: Counter[str] = Counter()
    found: dict[str, set[MessageNumber]] = defaultdict(set)
    for message in spoken:
        text = mask_foreign(message.text)
        small.update(word.lower() for word in _plain.findall(text))
        if not _is_german(text):
            _collect(message, text, found, openings)
    for name, numbers in openings.items():
        if name in found or name in certain:
            found[name] |= numbers
    usual = {name for name in found if name not in certain and small[name.lower()] >= len(found[name])}
    for message in spoken:
        for name in certain:
            if re.search(rf"\b{re.escape(name)}\b", message.text) or message.name == name:
                found[name].add(message.number)
    kept = {name: numbers for name, numbers in found.items() if name not in usual}
    return _with_aliases(kept)[:MOST_ENTITIES]


def _collect(
    message: StoredMessage,
    text: str,
    found: dict[str, set[MessageNumber]],
    openings: dict[str, set[MessageNumber]],
) -> None:
    starts = {start for start, _ in sentence_spans(text)}
    for match in _names.finditer(text):
        name = _without_edges(match[0])
        if name is None:
            continue
        is_opening = match.start() in starts and match[0].startswith(name) and " " not in name
        (openings if is_opening else found)[name].add(message.number)


def _without_edges(name: str) -> str | None:
    """The name without the words around it that are none: ``Yeah Melanie`` → ``Melanie``."""
    words = name.split()
    while words and words[0].lower() in word_set("no_entity"):
        words.pop(0)
    while words and words[-1].lower() in word_set("no_entity"):
        words.pop()
    whole = " ".join(words)
    is_shouted = whole.isupper() and len(whole) > 5  # noqa: PLR2004 - NASA is a name, AMAZING is not
    return whole if len(whole) > 1 and MASK not in whole and not is_shouted else None


def _with_aliases(found: dict[str, set[MessageNumber]]) -> tuple[Entity, ...]:
    longer: dict[str, list[str]] = defaultdict(list)
    for name in found:
        first, _, rest = name.partition(" ")
        if rest and first in found:
            longer[first].append(name)
    alias_of = {first: names[0] for first, names in longer.items() if len(names) == 1}
    merged = {name: set(numbers) for name, numbers in found.items() if name not in alias_of}
    for alias, name in alias_of.items():
        merged[name] |= found[alias]
    entities = (
        Entity(name, tuple(sorted(numbers)), tuple(sorted(alias for alias, whole in alias_of.items() if whole == name)))
        for name, numbers in merged.items()
    )
    return tuple(sorted(entities, key=lambda one: (-len(one.mentions), one.name)))


def _is_german(text: str) -> bool:
    return len(_german.findall(text)) > len(_other.findall(text))
