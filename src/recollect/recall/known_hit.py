"""A memory or a summary as a hit, where a request may see what it rests on, and its room in a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.recall import Hit, Source
from recollect.recall.vault_index import matches_metadata
from recollect.remembering.profile import estimated_tokens
from recollect.wire.memory_block import FRAME_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recollect.domain.ids import MessageNumber
    from recollect.domain.memories import Evidence
    from recollect.domain.messages import StoredMessage
    from recollect.domain.recall import HitKind, RecallRequest

LINE_TOKENS = 4
MOST_SHARE = 0.25
"""Of a block's tokens, what memories and summaries may take from passages."""


def known_hit(
    kind: HitKind,
    statement: str,
    evidence: Sequence[Evidence],
    request: RecallRequest,
    told: Mapping[MessageNumber, StoredMessage],
) -> Hit | None:
    """None where it rests on a message that the request may not see."""
    sources = tuple(Source(told[one.message], one.quote) for one in evidence if one.message in told)
    if not sources or not all(_is_visible(source.message, request) for source in sources):
        return None
    newest = max((source.message for source in sources), key=lambda message: message.occurred_at)
    if kind == "summary" and request.as_of is not None and newest.occurred_at > request.as_of:
        return None
    return Hit(
        kind=kind,
        message=newest,
        start=0,
        end=len(newest.text),
        score=1.0,
        tokens=estimated_tokens(statement) + LINE_TOKENS,
        id=f"sum_{newest.session}" if kind == "summary" else "",
        statement=statement,
        sources=sources,
    )


def packed(selection: Sequence[Hit], added: Sequence[Hit], most_tokens: int) -> tuple[Hit, ...]:
    """Both in ``most_tokens``, frame included: the least relevant passages make room, a quarter at most."""
    room = most_tokens - FRAME_TOKENS - sum(hit.tokens for hit in selection)
    share = int(most_tokens * MOST_SHARE)
    chosen: list[Hit] = []
    for hit in added:
        if hit.tokens <= share:
            chosen.append(hit)
            share -= hit.tokens
            room -= hit.tokens
    kept = list(selection)
    for hit in sorted(selection, key=lambda hit: hit.score):
        if room >= 0:
            break
        kept.remove(hit)
        room += hit.tokens
    return (*chosen, *kept)


def _is_visible(message: StoredMessage, request: RecallRequest) -> bool:
    """Within the request's times, agent and filters."""
    if request.agent_id is not None and message.agent_id != request.agent_id:
        return False
    if request.filters and not matches_metadata(message.metadata or "{}", dict(request.filters)):
        return False
    is_early = request.since is not None and message.occurred_at < request.since
    is_late = request.until is not None and message.occurred_at > request.until
    return not (is_early or is_late)
