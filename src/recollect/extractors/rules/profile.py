"""The profile: what is so now, as a few lines, the most lasting first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.memories import Attribute

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
    Attribute.HOME,
    Attribute.OCCUPATION,
    Attribute.EMPLOYER,
    Attribute.FAMILY,
    Attribute.PET,
    Attribute.ORIGIN,
    Attribute.BIRTHDAY,
    Attribute.PLAN,
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
    (``Alice's son``). Plans are those that are still to come. Quotations of instructions are left out.
    """
    own = [one for one in timeline.memories if one.expired_at is None and not one.is_quotation]
    lines: list[str] = []
    for attribute in ORDER:
        for whose in sorted(
            {one.subject for one in own if _is_about(one, subject)}, key=lambda who: (who != subject, who)
        ):
            rows = [one for one in own if one.attribute is attribute and one.subject == whose]
            line = _line(attribute, whose if whose != subject else None, rows, at)
            if line and count_tokens("\n".join([*lines, line])) <= most_tokens:
                lines.append(line)
    return "\n".join(lines)


def _is_about(one: Memory, subject: str) -> bool:
    return one.subject == subject or one.subject.startswith(f"{subject}'s ")


def _line(attribute: Attribute, whose: str | None, rows: list[Memory], at: datetime) -> str:
    if attribute is Attribute.PLAN:
        current = sorted((one for one in rows if one.valid_to is None or at < one.valid_to), key=_start)
    else:
        current = sorted((one for one in rows if one.is_valid_at(at)), key=_start, reverse=True)
    if not current:
        return ""
    head = f"{whose}, {attribute.value}" if whose else attribute.value
    if not attribute.holds_one_value:
        return f"{head}: {'; '.join(dict.fromkeys(one.value for one in current))}"
    newest = current[0]
    before = max((one for one in rows if one.valid_to is not None and one.valid_to <= at), key=_end, default=None)
    notes = [f"since {newest.valid_from:%Y-%m-%d}"] if newest.valid_from else []
    notes += [f"before: {before.value}"] if before and before.value != newest.value else []
    return f"{head}: {newest.value}" + (f" ({'; '.join(notes)})" if notes else "")


def _start(one: Memory) -> datetime:
    return one.valid_from or one.recorded_at


def _end(one: Memory) -> datetime:
    return one.valid_to or one.recorded_at
