"""What a model has been shown: entries under small numbers, which stand for passages and memories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recollect.domain.chat import estimate_tokens
from recollect.domain.messages import fingerprint
from recollect.recall.packing import Budget
from recollect.recall.vault_index import matches_metadata
from recollect.wire.memory_block import FRAME_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recollect.domain.ids import MessageNumber
    from recollect.domain.messages import StoredMessage
    from recollect.domain.recall import Hit, RecallRequest

MOST_SHOWN_TOKENS = 500
"""Of one tool's answer."""
LONGEST_ENTRY = 240
_HIDDEN_ROLES = frozenset({"system", "developer"})


@dataclass(slots=True)
class Desk:
    """Entries of one browsing, for one request."""

    request: RecallRequest
    hits: dict[int, Hit] = field(default_factory=dict)
    _numbers: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def show(self, hits: Iterable[Hit]) -> tuple[str, int]:
        """The hits that the request may see, a line each, as many as there is room for; how many these are."""
        lines: list[str] = []
        left = MOST_SHOWN_TOKENS
        for hit in hits:
            if not all(self.may_see(message) for message in messages_of(hit)):
                continue
            line = f"{self._peek(hit)} | {_line(hit)}"
            left -= estimate_tokens(line)
            if left < 0 and lines:
                break
            self._number(hit)
            lines.append(line)
        return "\n".join(lines) or "Nothing.", len(lines)

    def may_see(self, message: StoredMessage) -> bool:
        """Live, and within the request's times, agent and filters: as ranking has it."""
        request = self.request
        return (
            message.is_live
            and message.role not in _HIDDEN_ROLES
            and (request.since is None or message.occurred_at >= request.since)
            and (request.until is None or message.occurred_at <= request.until)
            and (request.as_of is None or message.occurred_at <= request.as_of)
            and (request.agent_id is None or message.agent_id == request.agent_id)
            and (not request.filters or matches_metadata(message.metadata or "{}", dict(request.filters)))
        )

    def chosen(self, numbers: Sequence[int]) -> list[Hit]:
        """The entries behind these numbers, each once; unknown numbers are left out."""
        return [self.hits[number] for number in dict.fromkeys(numbers) if number in self.hits]

    def packed(self, chosen: Iterable[Hit]) -> tuple[Hit, ...]:
        """What of it is injected: into the token budget, nothing that the request holds already; memories first, then
        passages in the order of time."""
        budget = Budget(self.request.max_tokens - FRAME_TOKENS)
        taken = [
            hit
            for hit in chosen
            if not self._is_present(hit) and budget.take(hit.tokens, hit.message.occurred_at.date()) is not None
        ][: self.request.limit]
        passages = [hit for hit in taken if hit.kind == "passage"]
        passages.sort(key=lambda hit: (hit.message.occurred_at, hit.message.number, hit.start))
        return (*(hit for hit in taken if hit.kind != "passage"), *passages)

    @property
    def sources(self) -> tuple[MessageNumber, ...]:
        """Every message that was shown, or that what was shown rests on."""
        return tuple(sorted({number for hit in self.hits.values() for number in hit.numbers}))

    def _is_present(self, hit: Hit) -> bool:
        request = self.request
        if request.excluded.issuperset(hit.numbers):
            return True
        said = hit.message
        return hit.kind == "passage" and fingerprint(said.role, said.content or said.text) in request.present

    def _number(self, hit: Hit) -> int:
        number = self._numbers.setdefault(_key(hit), len(self._numbers) + 1)
        self.hits.setdefault(number, hit)
        return number

    def _peek(self, hit: Hit) -> int:
        return self._numbers.get(_key(hit), len(self._numbers) + 1)


def messages_of(hit: Hit) -> tuple[StoredMessage, ...]:
    """What a hit quotes or rests on."""
    return tuple(source.message for source in hit.sources) or (hit.message,)


def _key(hit: Hit) -> tuple[str, str, int]:
    return hit.kind, hit.id or hit.message.id.hex(), hit.start


def _line(hit: Hit) -> str:
    text = " ".join(hit.text.split())
    text = text if len(text) <= LONGEST_ENTRY else text[: LONGEST_ENTRY - 1] + "…"
    if hit.kind != "passage":
        return f"{hit.kind}: {text}"
    said = hit.message
    name = " ".join((said.name or "").split())[:40] or said.role
    return f"{said.occurred_at:%Y-%m-%d}, session {said.session_number}, {name}: {text}"
