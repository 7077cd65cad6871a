"""The profile: what is so now, as a few lines, the most lasting first."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from recollect.domain.memories import USER, Attribute

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from recollect.domain.memories import Memory
    from recollect.domain.timeline import Timeline

MOST_TOKENS = 200
CHARACTERS_PER_TOKEN = 3.6
ORDER = (
    Attribute.NAME,
    Attribute.ALLERGY,
    Attribute.DIET,
    Attribute.HEALTH,
    Attribute.HOME,
    Attribute.OCCUPATION,
    Attribute.EMPLOYER,
    Attribute.EDUCATION,
    Attribute.FAMILY,
    Attribute.PET,
    Attribute.ORIGIN,
    Attribute.BIRTHDAY,
    Attribute.PLAN,
    Attribute.GOAL,
    Attribute.NOTE,
    Attribute.LIKES,
    Attribute.DISLIKES,
)
"""What a wrong answer would hurt most comes first; a habit of the past is not in it."""


def estimated_tokens(text: str) -> int:
    """Roughly: a wide (CJK) character is one, 3.6 others make one."""
    wide = sum(character > "\u2e7f" for character in text)
    return round(wide + (len(text) - wide) / CHARACTERS_PER_TOKEN)


def profile(
    timeline: Timeline,
    subject: str,
    *,
    at: datetime,
    most_tokens: int = MOST_TOKENS,
    count_tokens: Callable[[str], int] = estimated_tokens,
) -> str:
    """Lines like ``home: Lisbon (since 2026-04-01; before: Porto)``; "" where nothing is known.

    Of each attribute the newest values first, as many as fit. Also what is so of the subject's own people
    (``Alice's son``). Plans are those that are still to come. What is pinned comes first, whatever it is about.
    Quotations of instructions, and what somebody asked never to use, are left out.
    """
    topics: dict[tuple[Attribute, str], list[Memory]] = defaultdict(list)
    for one in timeline.believed():
        if _is_about(one, subject) and not one.is_quotation and not one.is_withheld:
            topics[one.attribute, one.subject].append(one)
    lines: list[str] = []
    for attribute, whose in sorted(topics, key=lambda topic: _rank(topic, topics[topic], subject)):
        head = attribute.value if whose == subject else f"{whose}, {attribute.value}"
        values = _values(attribute, topics[attribute, whose], at)
        if attribute not in ORDER:
            values = _values(attribute, [one for one in topics[attribute, whose] if one.is_pinned], at)
        while values and count_tokens("\n".join([*lines, f"{head}: {'; '.join(values)}"])) > most_tokens:
            values.pop()
        if values:
            lines.append(f"{head}: {'; '.join(values)}")
    return "\n".join(lines)


def main_subject(timeline: Timeline) -> str:
    """Whom most memories are about: the vault's own user, by name where messages have one."""
    counts = Counter(one.subject for one in timeline.believed() if "'s " not in one.subject)
    return max(counts, key=lambda subject: (counts[subject], subject == USER), default=USER)


def _rank(topic: tuple[Attribute, str], memories: list[Memory], subject: str) -> tuple[bool, int, bool, str]:
    attribute, whose = topic
    place = ORDER.index(attribute) if attribute in ORDER else len(ORDER)
    return not any(one.is_pinned for one in memories), place, whose != subject, whose


def _is_about(one: Memory, subject: str) -> bool:
    return one.subject == subject or one.subject.startswith(f"{subject}'s ")


def _values(attribute: Attribute, rows: list[Memory], at: datetime) -> list[str]:
    if attribute is Attribute.PLAN:
        current = sorted((one for one in rows if not _is_over(one, at)), key=_start)
    else:
        current = sorted((one for one in rows if one.is_valid_at(at)), key=_start, reverse=True)
    current.sort(key=lambda one: not one.is_pinned)
    if not current or not attribute.holds_one_value:
        return list(dict.fromkeys(one.value for one in current))
    newest = current[0]
    before = max((one for one in rows if one.valid_to is not None and one.valid_to <= at), key=_end, default=None)
    notes = [f"since {newest.valid_from:%Y-%m-%d}"] if newest.valid_from else []
    notes += [f"before: {before.value}"] if before and before.value != newest.value else []
    return [newest.value + (f" ({'; '.join(notes)})" if notes else "")]


def _is_over(one: Memory, at: datetime) -> bool:
    """Its day is over, or somebody let it expire."""
    return any(end is not None and end <= at for end in (one.valid_to, one.expires_at))


def _start(one: Memory) -> datetime:
    return one.valid_from or one.recorded_at


def _end(one: Memory) -> datetime:
    return one.valid_to or one.recorded_at
