"""Where a quote stands in a message: found with a little patience, kept character for character."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recollect.domain.memories import Evidence

if TYPE_CHECKING:
    from recollect.domain.messages import StoredMessage

LEAST_QUOTE = 2
LONGEST_QUOTE = 600
_SAME = (
    "'\u2018\u2019\u02bc\u00b4`",
    '"\u201c\u201d\u201e\u00ab\u00bb',
    "-\u2010\u2011\u2012\u2013\u2014",
)
"""Characters that models write for one another."""
_CLASSES = {character: f"[{re.escape(group)}]" for group in _SAME for character in group}


def find_quote(message: StoredMessage, quote: str) -> Evidence | None:
    """The message's own words, where the quote stands in them: white space, the shape of quotation marks and dashes,
    and case do not matter, nothing else is forgiven. None where it does not stand there, or says nothing."""
    wanted = quote.strip().strip("\u2026").strip()
    if len(wanted) > LONGEST_QUOTE or sum(character.isalnum() for character in wanted) < LEAST_QUOTE:
        return None
    start = message.text.find(wanted)
    if start >= 0:
        return Evidence(message.number, start, start + len(wanted), wanted)
    words = (r"".join(_CLASSES.get(one, re.escape(one)) for one in word) for word in wanted.split())
    found = re.search(r"\s+".join(words), message.text, re.IGNORECASE)
    return found and Evidence(message.number, found.start(), found.end(), found[0])
