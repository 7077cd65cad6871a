"""Stage 4: put one block of recalled text into the newest message, and the old ones back where they were."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from recollect.domain.capture import Injection
from recollect.domain.ids import digest16
from recollect.domain.keys import MemoryMode
from recollect.domain.recall import MemoryStatus
from recollect.exchange.recall import CHARACTERS_PER_TOKEN, holds_profile
from recollect.wire.memory_block import FRAME_TOKENS, BlockEntry, render_block
from recollect.wire.prompt import PromptEdit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.controls import Controls
    from recollect.domain.ids import Lineage
    from recollect.domain.recall import Hit
    from recollect.exchange.exchange import Exchange

NONCE_BYTES = 4


def block_of(hits: Sequence[Hit], controls: Controls, seed: bytes) -> str:
    """The text of a block. Its nonce comes from ``seed``, so that the same recall gives the same bytes, while
    nobody who writes a message can know it beforehand."""
    entries = [
        BlockEntry(
            kind=hit.kind,
            speaker=(hit.message.name or hit.message.role) if hit.kind == "passage" else "",
            text=hit.text,
            occurred_at=None if hit.kind == "memory" else hit.message.occurred_at,
            session=hit.message.session,
        )
        for hit in hits
    ]
    nonce = digest16(b"nonce", seed, *(entry.text.encode("utf-8", "replace") for entry in entries))[:NONCE_BYTES].hex()
    return render_block(
        entries, nonce=nonce, timezone=ZoneInfo(controls.timezone), has_instructions=controls.has_instructions
    )


def injection_of(hits: Sequence[Hit], controls: Controls, lineage: Lineage, at: datetime) -> Injection:
    """The block for one place of a history, with the messages that it quotes."""
    sources = tuple(dict.fromkeys(number for hit in hits for number in hit.numbers))
    return Injection(lineage=lineage, block=block_of(hits, controls, lineage), sources=sources, injected_at=at)


@lru_cache(maxsize=512)
def _model_edit(model: str | None) -> PromptEdit:
    """What is changed without memory: nothing but the spelling of the model."""
    return PromptEdit(model=model)


class Injector:
    """Decides what is put where; the dialect does the splicing."""

    def run(self, exchange: Exchange) -> None:
        """Fill ``edit``, ``injection`` and ``block_tokens``."""
        model = exchange.route.model if exchange.route else None
        place, prompt = exchange.place, exchange.prompt
        if place is None or prompt is None or not exchange.controls.mode.injects:
            exchange.edit = _model_edit(model)
            if exchange.controls.mode is MemoryMode.SHADOW:
                self._note_shadow(exchange)
            return
        known = {one.lineage: one.block for one in exchange.sticky}
        if exchange.keeps_block:
            exchange.block_tokens = sum(hit.tokens for hit in exchange.shown)
        elif exchange.recalled is not None and prompt.target is not None:
            target = place.conversation.lineages[prompt.target]
            known.pop(target, None)
            hits = exchange.recalled.selection
            if hits and prompt.utterances[prompt.target].can_hold_block:
                exchange.injection = injection_of(hits, exchange.controls, target, exchange.started_at)
                exchange.block_tokens = FRAME_TOKENS + sum(hit.tokens for hit in hits)
                known[target] = exchange.injection.block
        blocks = {
            index: known[lineage]
            for index, (lineage, utterance) in enumerate(
                zip(place.conversation.lineages, prompt.utterances, strict=True)
            )
            if utterance.role == "user" and utterance.can_hold_block and lineage in known
        }
        profile = exchange.profile.block if exchange.profile and holds_profile(prompt) else None
        if profile is not None:
            exchange.block_tokens += len(profile) // CHARACTERS_PER_TOKEN
        if profile is not None or prompt.target in blocks:
            exchange.status = MemoryStatus.INJECTED
        exchange.edit = PromptEdit(model=model, blocks=blocks, profile=profile)

    def _note_shadow(self, exchange: Exchange) -> None:
        """Mode ``shadow``: what would have been injected is for the trace alone."""
        place, prompt = exchange.place, exchange.prompt
        if place is None or prompt is None:
            return
        exchange.status = MemoryStatus.SHADOW
        hits = exchange.recalled.selection if exchange.recalled else ()
        if hits and prompt.target is not None:
            lineage = place.conversation.lineages[prompt.target]
            exchange.shadowed = injection_of(hits, exchange.controls, lineage, exchange.started_at)
            exchange.block_tokens = FRAME_TOKENS + sum(hit.tokens for hit in hits)
