"""Measures recall on a live vault, without an LLM and without labels.

Probes come from the vault itself: of some messages the rarest words are asked for, and the message must come
back; unrelated probes must inject nothing. Known-item search is easier than real questions are, so the figures are
for comparing settings and for noticing what broke, not for comparing systems.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from recollect.domain.recall import RecallRequest, RecallResult, Strategy
from recollect.recall.probes import unrelated_probes
from recollect.recall.terms import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.ids import MessageNumber, VaultId
    from recollect.domain.messages import StoredMessage
    from recollect.stores.base import MessageStore

PROBE_WORDS = 4
LEAST_WORDS = 6
"""A message with fewer different words gives no probe: it could not be told from others."""
_PAGE = 1000
_RANKS = (1, 5, 10)


class Recalls(Protocol):
    """What is measured."""

    async def recall(self, vault: VaultId, request: RecallRequest) -> RecallResult:
        """Rank a vault against a question."""


@dataclass(frozen=True, slots=True)
class SelfProbe:
    """A question made of a message's rarest words, and the message."""

    text: str
    number: MessageNumber


@dataclass(frozen=True, slots=True)
class SelfEvaluation:
    """Shares are 0..1. ``found_at`` by rank; ``lost_at_gate`` of the probes that were found among the first ten."""

    probes: int
    unrelated: int
    found_at: dict[int, float]
    lost_at_gate: float
    false_injections: float
    falsely_injected: tuple[str, ...]
    p50_ms: float
    p95_ms: float


async def evaluate_vault(
    engine: Recalls, messages: MessageStore, vault: VaultId, now: datetime, *, probes: int = 100, seed: int = 7
) -> SelfEvaluation:
    """Ask up to ``probes`` questions about the vault, and every unrelated one. Store errors pass."""
    chosen = make_probes(await _all_messages(messages, vault), probes, seed)
    base = RecallRequest(query="", strategy=Strategy.BALANCED, limit=max(_RANKS), now=now)
    ranks: list[int | None] = []
    times: list[float] = []
    lost = 0
    for probe in chosen:
        result = await engine.recall(vault, replace(base, query=probe.text))
        times.append(result.took_ms)
        found = [hit.message.number for hit in result.ranking]
        ranks.append(found.index(probe.number) + 1 if probe.number in found else None)
        lost += probe.number in found and not result.gate.is_open
    injected = []
    for text in unrelated_probes():
        result = await engine.recall(vault, replace(base, query=text))
        times.append(result.took_ms)
        if result.selection:
            injected.append(text)
    hits = sum(rank is not None for rank in ranks)
    return SelfEvaluation(
        probes=len(chosen),
        unrelated=len(unrelated_probes()),
        found_at={top: _share(sum(rank is not None and rank <= top for rank in ranks), len(ranks)) for top in _RANKS},
        lost_at_gate=_share(lost, hits),
        false_injections=_share(len(injected), len(unrelated_probes())),
        falsely_injected=tuple(injected),
        p50_ms=statistics.median(times) if times else 0.0,
        p95_ms=sorted(times)[int(0.95 * (len(times) - 1))] if times else 0.0,
    )


def make_probes(messages: Sequence[StoredMessage], count: int, seed: int) -> list[SelfProbe]:
    """Probes of up to ``count`` live messages of people, drawn evenly, the same for the same seed."""
    spoken = [(message, list(dict.fromkeys(words(message.text)))) for message in messages if message.is_live]
    frequency = Counter(word for _, found in spoken for word in found)
    usable = [(message, found) for message, found in spoken if message.role == "user" and len(found) >= LEAST_WORDS]
    drawn = random.Random(seed).sample(usable, min(count, len(usable)))  # noqa: S311  a sample, no secret
    return [SelfProbe(_rarest(found, frequency), message.number) for message, found in drawn]


def _rarest(found: Sequence[str], frequency: Counter[str]) -> str:
    """The rarest words, in the order of the message."""
    rare = set(sorted(found, key=lambda word: (frequency[word], -len(word)))[:PROBE_WORDS])
    return " ".join(word for word in found if word in rare)


async def _all_messages(store: MessageStore, vault: VaultId) -> list[StoredMessage]:
    found: list[StoredMessage] = []
    while page := await store.list_messages(vault, limit=_PAGE, after=found[-1].number if found else None):
        found.extend(page)
    return found


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
