"""Stage 3: what of the vault is relevant to the newest message? Within a deadline, and never a failure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from recollect.domain.capture import Injection
from recollect.domain.ids import Lineage, digest16
from recollect.domain.recall import Hit, MemoryStatus, RecallRequest, RecallResult, Strategy
from recollect.wire.memory_block import render_profile

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.controls import Controls
    from recollect.domain.ids import SessionName, VaultId
    from recollect.exchange.exchange import Exchange, Place
    from recollect.exchange.ports import ProfileSource, Recaller
    from recollect.stores.base import InjectionStore, MessageStore
    from recollect.wire.prompt import Prompt

DEFAULT_BLOCK_TOKENS = 1200
WINDOW_SHARE = 0.08
"""The block takes at most this share of the model's context window."""
RECENT_MESSAGES = 8
CONTEXT_TURNS = 4
CHARACTERS_PER_TOKEN = 4
REMEMBERED_WISHES = 10_000
wishes_of = attrgetter(
    "strategy",
    "max_tokens",
    "min_top_k",
    "max_top_k",
    "threshold",
    "summaries_threshold",
    "last_n_messages",
    "last_n_summaries",
    "timezone",
    "has_instructions",
    "as_of",
    "filters",
)
"""The controls that decide what is injected, but for those that say whose it is."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Milliseconds after which recall is given up, by strategy."""

    low_latency_ms: float = 25.0
    balanced_ms: float = 150.0
    agentic_ms: float = 20_000.0

    def of(self, strategy: Strategy) -> float:
        """The deadline of one strategy."""
        match strategy:
            case Strategy.LOW_LATENCY:
                return self.low_latency_ms
            case Strategy.AGENTIC:
                return self.agentic_ms
            case _:
                return self.balanced_ms


def profile_lineage(session: SessionName) -> Lineage:
    """The place of a session's profile among what was injected."""
    return Lineage(digest16(b"profile", session.encode()))


def block_budget(controls: Controls, context_window: int | None, default: int = DEFAULT_BLOCK_TOKENS) -> int:
    """Tokens that the block may take: what was asked for, or the default and at most 8 % of the model's window."""
    if controls.max_tokens is not None:
        return controls.max_tokens
    return default if context_window is None else min(default, int(context_window * WINDOW_SHARE))


def request_for(controls: Controls, query: str, budget: int, now: datetime) -> RecallRequest:
    """The recall request that the controls ask for, for one query."""
    return RecallRequest(
        query=query,
        strategy=controls.strategy,
        limit=controls.max_top_k,
        min_hits=controls.min_top_k,
        max_tokens=budget,
        now=now,
        timezone=ZoneInfo(controls.timezone),
        as_of=controls.as_of,
        threshold=controls.threshold,
        filters=controls.filters,
        last_n_messages=controls.last_n_messages,
        last_n_summaries=controls.last_n_summaries,
        summaries_threshold=controls.summaries_threshold,
    )


class RecallStage:
    """Recalls for the newest message, and fetches what was injected at earlier ones."""

    def __init__(
        self,
        engine: Recaller,
        injections: InjectionStore,
        messages: MessageStore,
        deadlines: Deadlines,
        block_tokens: int = DEFAULT_BLOCK_TOKENS,
        profiles: ProfileSource | None = None,
    ) -> None:
        """Take who ranks, where injections and what they quote are, how long ranking may take, how large a block is by
        default, and who knows profiles."""
        self._profiles = profiles
        self._block_tokens = block_tokens
        self._engine = engine
        self._injections = injections
        self._messages = messages
        self._deadlines = deadlines
        self._wishes: OrderedDict[Lineage, tuple[object, ...]] = OrderedDict()

    async def run(self, exchange: Exchange, context_window: int | None, *, keeps_retries: bool = True) -> None:
        """Fill ``sticky``, ``profile``, ``recalled`` and ``status``; leave them where the mode does not recall.

        ``keeps_retries``: a newest message that got its block a moment ago keeps it, without a recall.
        StoreUnavailableError passes: the pipeline goes on without memory.
        """
        place, prompt = exchange.place, exchange.prompt
        if place is None or prompt is None or not exchange.controls.mode.recalls:
            return
        exchange.status = MemoryStatus.EMPTY
        if place.vault is None:
            return
        await self._find_kept(exchange, place, prompt)
        begins = place.session is None or not exchange.controls.mode.stores
        if exchange.profile is None and begins and holds_profile(prompt):
            exchange.profile = await self._new_profile(exchange, place.vault.id, place.session_name)
        if prompt.target is None or not prompt.ends_with_user:
            return
        kept = self._fresh_injection(exchange, place, prompt) if keeps_retries else None
        if kept is not None:
            exchange.keeps_block = True
            exchange.recalled = await self._quoted(place.vault.id, kept, exchange.controls.strategy)
            return
        request = self._request(exchange, place, prompt, context_window)
        exchange.recalled = await self._engine.recall(place.vault.id, request)
        exchange.status = exchange.recalled.status
        if exchange.recalled.selection:
            self._note_wishes(place.conversation.lineages[prompt.target], exchange.controls)

    def _note_wishes(self, lineage: Lineage, controls: Controls) -> None:
        """What a block was asked for with. Kept in this process alone: a retry elsewhere keeps its block."""
        self._wishes[lineage] = wishes_of(controls)
        if len(self._wishes) > REMEMBERED_WISHES:
            self._wishes.popitem(last=False)

    async def _find_kept(self, exchange: Exchange, place: Place, prompt: Prompt) -> None:
        """What was injected at the places of this request, in one call."""
        if place.vault is None:
            return
        lineage_of_profile = profile_lineage(place.session_name)
        users = [
            lineage
            for lineage, utterance in zip(place.conversation.lineages, prompt.utterances, strict=True)
            if utterance.role == "user"
        ]
        kept = await self._injections.injections(place.vault.id, [lineage_of_profile, *users])
        exchange.sticky = tuple(one for one in kept if one.lineage != lineage_of_profile)
        exchange.profile = next((one for one in kept if one.lineage == lineage_of_profile), None)

    async def _new_profile(self, exchange: Exchange, vault: VaultId, session: SessionName) -> Injection | None:
        """The profile of a session that begins, kept before it is sent where the session will be known again."""
        if self._profiles is None or not exchange.controls.mode.injects:
            return None
        found = await self._profiles.profile(vault, exchange.controls.as_of or exchange.started_at)
        if not found.lines:
            return None
        nonce = digest16(b"profile", str(vault).encode(), *(line.encode() for line in found.lines))[:4].hex()
        block = render_profile(found.lines, nonce=nonce)
        injection = Injection(profile_lineage(session), block, found.sources, exchange.started_at)
        if exchange.controls.mode.stores:
            await self._injections.put_injection(vault, injection)
        return injection

    def _fresh_injection(self, exchange: Exchange, place: Place, prompt: Prompt) -> Injection | None:
        """The block that the newest message got a moment ago: a retry or a regeneration keeps it, unless it asks for
        something else now."""
        target = place.conversation.lineages[prompt.target or 0]
        if self._wishes.get(target, wishes := wishes_of(exchange.controls)) != wishes:
            return None
        freshness = timedelta(seconds=exchange.controls.session_timeout_s)
        fresh = (one for one in exchange.sticky if exchange.started_at - one.injected_at < freshness)
        return next((one for one in fresh if one.lineage == target), None)

    async def _quoted(self, vault: VaultId, injection: Injection, strategy: Strategy) -> RecallResult:
        """What a block quotes, without ranking again: its messages, each as a whole."""
        messages = await self._messages.messages(vault, injection.sources)
        tokens = len(injection.block) // CHARACTERS_PER_TOKEN // max(1, len(messages))
        hits = tuple(Hit("passage", message, 0, len(message.text), score=1.0, tokens=tokens) for message in messages)
        return RecallResult(status=MemoryStatus.INJECTED, selection=hits, strategy=strategy)

    def _request(self, exchange: Exchange, place: Place, prompt: Prompt, context_window: int | None) -> RecallRequest:
        controls = exchange.controls
        target = prompt.target or 0
        said = [prompt.utterances[index] for index in place.conversation.storable if index < target]
        base = request_for(
            controls,
            prompt.utterances[target].text,
            block_budget(controls, context_window, self._block_tokens),
            exchange.started_at,
        )
        lineage = place.conversation.lineages[target]
        quoted = (number for one in exchange.sticky if one.lineage != lineage for number in one.sources)
        return replace(
            base,
            context=tuple(utterance.text for utterance in said[-CONTEXT_TURNS:]),
            present=frozenset(prompt.utterances[index].fingerprint for index in place.conversation.storable),
            excluded=place.held_upstream.union(quoted),
            session=place.session_name,
            recent_session=place.session_name if place.sent_only_newest else None,
            recent_messages=RECENT_MESSAGES if place.sent_only_newest else 0,
            deadline_ms=self._deadlines.of(controls.strategy),
            model=exchange.own_model,
            on_progress=exchange.on_progress,
        )


def holds_profile(prompt: Prompt) -> bool:
    """The request opens with a system or developer message, at whose end a profile can stand."""
    first = prompt.utterances[0] if prompt.utterances else None
    return first is not None and first.role in {"system", "developer"} and first.can_hold_block
