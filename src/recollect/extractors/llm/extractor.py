"""The extractor that asks a language model, and believes nothing that it cannot find in the messages."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from recollect.domain.ids import digest16
from recollect.domain.memories import Extraction, SessionSummary
from recollect.errors import ExtractorUnavailableError
from recollect.extractors.base import EVIDENCE_ROLES, has_evidence
from recollect.extractors.llm.believing import Believer
from recollect.extractors.llm.prompt import PROMPT_VERSION, Wishes, pieces_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.messages import StoredMessage
    from recollect.extractors.llm.asking import Asker

WINDOW_TOKENS = 2500
"""Of four characters: with numbers, roles and days before them, and 3.6 characters to a token, mostly one call."""
MOST_CALLS = 4
"""For a window of another script, or of one very long message; what is left of it is not read, and counted."""


class LlmExtractor:
    """Implements :class:`recollect.extractors.base.Extractor` with any OpenAI-compatible endpoint."""

    def __init__(self, asker: Asker, wishes: Wishes | None = None, *, name: str = "llm") -> None:
        """Take who asks the model, what the project asks for beyond the rules, and the name under which what is found
        is kept: projects that ask for something else need another one."""
        self._name = name
        self._asker = asker
        self._wishes = wishes or Wishes()

    @property
    def name(self) -> str:
        """See :attr:`Extractor.name`."""
        return self._name

    @property
    def version(self) -> str:
        """The model, the prompts and the project's wishes: a change of any has sessions read anew."""
        wishes = digest16(self._wishes.instructions.encode(), *(one.encode() for one in self._wishes.categories))
        return f"llm-{PROMPT_VERSION}:{self._asker.model.name}:{wishes[:4].hex()}"

    @property
    def window_tokens(self) -> int:
        """See :attr:`Extractor.window_tokens`."""
        return WINDOW_TOKENS

    async def extract(self, messages: Sequence[StoredMessage]) -> Extraction:
        """See :meth:`Extractor.extract`. ModelReplyError where an answer cannot be used."""
        spoken = [one for one in messages if one.is_live and one.role in EVIDENCE_ROLES and one.text.strip()]
        pieces = list(islice(pieces_of(spoken), MOST_CALLS + 1))
        wait_s = self._asker.pace.wait_s(min(len(pieces), MOST_CALLS)) if pieces else 0.0
        if wait_s:
            message = "The extractor waits: for `extractor.calls_per_minute`, or as its endpoint asked it to."
            raise ExtractorUnavailableError(message, retry_after_s=wait_s)
        found: list[Extraction] = []
        dropped: Counter[str] = Counter()
        for piece in pieces[:MOST_CALLS]:
            notes = await self._asker.notes(piece, self._wishes)
            one = Believer(piece, self._wishes.categories).judge(notes)
            found.append(one)
            dropped.update(one.dropped)
        if len(pieces) > MOST_CALLS:
            dropped["too_long"] += 1
        return joined(found, spoken, dropped)


def joined(found: Sequence[Extraction], messages: Sequence[StoredMessage], dropped: Counter[str]) -> Extraction:
    """One extraction of several, each claim and relation checked once more against its message."""
    claims = [one for each in found for one in each.claims]
    relations = [one for each in found for one in each.relations]
    summaries = [each.summary for each in found if each.summary is not None]
    return Extraction(
        claims=tuple(one for one in claims if has_evidence(one, messages)),
        entities=tuple(one for each in found for one in each.entities),
        relations=tuple(one for one in relations if has_evidence(one, messages)),
        summary=SessionSummary(
            tuple(sentence for one in summaries for sentence in one.sentences),
            " ".join(one.short for one in summaries),
            "\n".join(one.long for one in summaries if one.long),
        )
        if summaries
        else None,
        dropped=dict(dropped),
    )
