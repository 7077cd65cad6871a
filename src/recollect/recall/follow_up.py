"""Questions that mean something only after what was said before: "and where was that?"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recollect.recall.languages import DEFAULT, detect_language
from recollect.recall.terms import word_terms, words

if TYPE_CHECKING:
    from collections.abc import Sequence

TURNS = 2
TURN_CHARACTERS = 300
_FEW_TERMS = 2
_SOME_TERMS = 5
_MOST_WORDS = 30
_refers_back = re.compile(
    r"^(?:and|but|so|what about|how about|und|aber|y|pero|et|mais|e)\b|^(?:那|而且|でも|それ)"
    r"|\b(?:it|that|this|there|then|those|these|he|she|they|him|her|them|his|their|das|dort|damals|er|sie|ihn|ihm|eso|allí|ella"
    r"|él|ellos|ça|cela|lui|elle|ils)\b|(?:那里|那个|他|她|它|あれ|そこ|彼)",
    re.IGNORECASE,
)


def is_follow_up(query: str) -> bool:
    """Short, with next to no words of its own, or with few that refer back."""
    found = words(query)
    if not found or len(found) > _MOST_WORDS:
        return False
    language = detect_language(found) or DEFAULT
    own = sum(len(word_terms(word, language)) for word in found)
    return own <= _FEW_TERMS or (own <= _SOME_TERMS and _refers_back.search(query.strip()) is not None)


def with_context(query: str, context: Sequence[str]) -> str:
    """The query, after the ends of the two turns before it where it depends on them."""
    if not context or not is_follow_up(query):
        return query
    return "\n".join([*(turn[-TURN_CHARACTERS:] for turn in context[-TURNS:]), query])
