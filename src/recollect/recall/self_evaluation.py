"""Measures recall on a live vault, without an LLM and without labels.

Probes come from the vault itself: of some messages the rarest words are asked for, alone, with who said them, or with
the day, and the message must come back; unrelated probes must inject nothing. Known-item search is easier than real
questions are, so the figures are for comparing settings and for noticing what broke, not for comparing systems.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from recollect.domain.recall import RecallRequest, RecallResult, Strategy
from recollect.recall.calibration import COSINES, LEAST_SPREAD, Calibration
from recollect.recall.probes import unrelated_probes
from recollect.recall.terms import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from recollect.domain.ids import MessageNumber, VaultId
    from recollect.domain.messages import StoredMessage
    from recollect.stores.base import MessageStore

PROBE_WORDS = 4
LEAST_WORDS = 6
"""A message with fewer different words gives no probe: it could not be told from others."""
LEAST_UNRELATED = 20
"""A scale is not made of fewer cosines than this."""
_PAGE = 1000
_RANKS = (1, 5, 10)


class Recalls(Protocol):
    """What is measured."""

    async def recall(self, vault: VaultId, request: RecallRequest) -> RecallResult:
        """Rank a vault against a question."""


@dataclass(frozen=True, slots=True)
class SelfProbe:
    """A question made of a message's rarest words, and the message. ``kind``: ``words``, ``name`` or ``date``."""

    kind: str
    text: str
    number: MessageNumber


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one probe got. ``rank`` counts from 1, None where it is not among the first ten or was not looked for."""

    kind: str
    text: str
    rank: int | None
    is_open: bool
    is_injected: bool
    relevance: float | None
    cosines: tuple[float, ...]
    took_ms: float


@dataclass(frozen=True, slots=True)
class SelfEvaluation:
    """The outcomes of the vault's own probes and of unrelated ones. Shares are 0..1."""

    own: tuple[Outcome, ...]
    unrelated: tuple[Outcome, ...]

    def found_at(self, rank: int, kind: str | None = None) -> float:
        """The share of its own probes (of one kind) whose message is among the first so many."""
        asked = [one for one in self.own if kind in {None, one.kind}]
        return _share(sum(one.rank is not None and one.rank <= rank for one in asked), len(asked))

    @property
    def kinds(self) -> dict[str, int]:
        """How many probes there are of each kind."""
        return dict(sorted(Counter(one.kind for one in self.own).items()))

    @property
    def lost_at_gate(self) -> float:
        """Of the probes whose message was found, the share that would inject nothing."""
        found = [one for one in self.own if one.rank is not None]
        return _share(sum(not one.is_open for one in found), len(found))

    @property
    def falsely_injected(self) -> tuple[str, ...]:
        """The unrelated probes that inject something."""
        return tuple(one.text for one in self.unrelated if one.is_injected)

    @property
    def false_injections(self) -> float:
        """Their share."""
        return _share(len(self.falsely_injected), len(self.unrelated))

    def took_ms(self, share: float) -> float:
        """The time that this share of all recalls took at most."""
        times = sorted(one.took_ms for one in (*self.own, *self.unrelated))
        return times[int(share * (len(times) - 1))] if times else 0.0


def together(evaluations: Iterable[SelfEvaluation]) -> SelfEvaluation:
    """Several vaults as one."""
    own: list[Outcome] = []
    unrelated: list[Outcome] = []
    for one in evaluations:
        own += one.own
        unrelated += one.unrelated
    return SelfEvaluation(tuple(own), tuple(unrelated))


async def evaluate_vault(
    engine: Recalls, messages: MessageStore, vault: VaultId, now: datetime, *, probes: int = 100, seed: int = 7
) -> SelfEvaluation:
    """Ask up to ``probes`` questions about the vault, and every unrelated one. Store errors pass."""
    base = RecallRequest(query="", strategy=Strategy.BALANCED, limit=max(_RANKS), now=now)
    own = []
    for probe in make_probes(await _all_messages(messages, vault), probes, seed):
        result = await engine.recall(vault, replace(base, query=probe.text))
        found = [hit.message.number for hit in result.ranking]
        rank = found.index(probe.number) + 1 if probe.number in found else None
        own.append(_outcome(probe.kind, probe.text, rank, result))
    unrelated = [
        _outcome("unrelated", text, None, await engine.recall(vault, replace(base, query=text)))
        for text in unrelated_probes()
    ]
    return SelfEvaluation(tuple(own), tuple(unrelated))


def calibrate(model: str, evaluation: SelfEvaluation) -> Calibration | None:
    """The scale of a model, from what the unrelated probes got without a calibration. None where they got too few
    cosines: there is no model, or nothing in the vault."""
    rows = [one.cosines for one in evaluation.unrelated if one.cosines]
    if len(rows) < LEAST_UNRELATED:
        return None
    first, second = zip(*rows, strict=True)
    return Calibration(
        model,
        means=(statistics.fmean(first), statistics.fmean(second)),
        spreads=(max(statistics.pstdev(first), LEAST_SPREAD), max(statistics.pstdev(second), LEAST_SPREAD)),
    )


def make_probes(messages: Sequence[StoredMessage], count: int, seed: int) -> list[SelfProbe]:
    """Probes of up to ``count`` live messages of people, drawn evenly, the same for the same seed."""
    spoken = [(message, list(dict.fromkeys(words(message.text)))) for message in messages if message.is_live]
    frequency = Counter(word for _, found in spoken for word in found)
    usable = [(message, found) for message, found in spoken if message.role == "user" and len(found) >= LEAST_WORDS]
    drawn = random.Random(seed).sample(usable, min(count, len(usable)))  # noqa: S311  a sample, no secret
    return [_probe(place, message, _rarest(found, frequency)) for place, (message, found) in enumerate(drawn)]


def _probe(place: int, message: StoredMessage, rare: str) -> SelfProbe:
    """One third of the probes each: the words, the words and who said them, the words and the day."""
    match place % 3:
        case 1 if message.name:
            return SelfProbe("name", f"{message.name}: {rare}", message.number)
        case 2:
            return SelfProbe("date", f"{rare} {message.occurred_at:%Y-%m-%d}", message.number)
        case _:
            return SelfProbe("words", rare, message.number)


def _outcome(kind: str, text: str, rank: int | None, result: RecallResult) -> Outcome:
    signals = result.gate.signals
    return Outcome(
        kind=kind,
        text=text,
        rank=rank,
        is_open=result.gate.is_open,
        is_injected=bool(result.selection),
        relevance=signals.get("relevance"),
        cosines=tuple(signals[name] for name in COSINES if name in signals),
        took_ms=result.took_ms,
    )


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
