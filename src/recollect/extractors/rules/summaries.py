"""Extractive summaries: the sentences that say most about a session, verbatim.

A sentence's weight is the mean weight of its words, where a word weighs by how many of the session's sentences have it
(SumBasic: Nenkova and Vanderwende 2005, "The impact of frequency on summarization"): after a sentence is chosen, the
weights of its words are squared, so that the next one says something else.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from recollect.domain.memories import Evidence, SessionSummary
from recollect.extractors.base import EVIDENCE_ROLES
from recollect.extractors.instructions import is_instruction
from recollect.extractors.rules.clauses import MASK, mask_foreign, sentence_spans
from recollect.extractors.rules.words import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.messages import StoredMessage

SHORT_WORDS = 60
LONGEST_SENTENCE_WORDS = 40
LEAST_SENTENCE_WORDS = 4
ASSISTANT_SHARE = 0.5
"""What the user says weighs more than what the assistant does."""

_words = re.compile(r"[^\W\d_]{3,}")


def summarise(messages: Sequence[StoredMessage], *, most_words: int = SHORT_WORDS) -> SessionSummary | None:
    """The summary of one session's messages; None where there is nothing to quote.

    Questions, instructions, code and very short sentences are left out.
    """
    candidates = [(evidence, words, role) for message in messages for evidence, words, role in _candidates(message)]
    if not candidates:
        return None
    counts = Counter(word for _, words, _ in candidates for word in set(words))
    weights = {word: count / len(candidates) for word, count in counts.items()}
    chosen: list[Evidence] = []
    left = most_words
    while candidates:
        best = max(candidates, key=lambda one: _weight(one, weights))
        candidates.remove(best)
        size = len(best[0].quote.split())
        if size > left:
            continue
        chosen.append(best[0])
        left -= size
        for word in set(best[1]):
            weights[word] **= 2
    return SessionSummary(tuple(sorted(chosen, key=lambda one: (one.message, one.start)))) if chosen else None


def _candidates(message: StoredMessage) -> list[tuple[Evidence, list[str], str]]:
    if message.role not in EVIDENCE_ROLES:
        return []
    found: list[tuple[Evidence, list[str], str]] = []
    masked = mask_foreign(message.text)
    for start, end in sentence_spans(masked):
        quote = message.text[start:end]
        words = [word for word in map(str.lower, _words.findall(quote)) if word not in word_set("stop_words")]
        is_sized = LEAST_SENTENCE_WORDS <= len(quote.split()) <= LONGEST_SENTENCE_WORDS
        is_foreign = MASK in masked[start:end]
        if words and is_sized and not is_foreign and not quote.endswith("?") and not is_instruction(quote):
            found.append((Evidence(message.number, start, end, quote), words, message.role))
    return found


def _weight(candidate: tuple[Evidence, list[str], str], weights: dict[str, float]) -> float:
    _, words, role = candidate
    share = 1.0 if role == "user" else ASSISTANT_SHARE
    return share * sum(weights[word] for word in words) / len(words)
