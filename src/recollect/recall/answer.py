"""One question to one loaded vault: pure, without texts, which are fetched for the few passages that are left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.ma  # np.unique would import it inside the first request: 50 ms

from recollect.domain.ids import MessageNumber
from recollect.domain.recall import GateVerdict, Hit, MemoryStatus, RecallResult
from recollect.recall.calibration import is_calibrated
from recollect.recall.eligibility import eligible_places
from recollect.recall.follow_up import with_context
from recollect.recall.gate import decide, gate_evidence
from recollect.recall.kinds import lifted
from recollect.recall.one_thread import on_one_thread
from recollect.recall.plans import plan_for
from recollect.recall.query import is_small_talk, read_query
from recollect.recall.ranking import rank
from recollect.recall.selection import Selector, recent_places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from recollect.domain.messages import StoredMessage
    from recollect.domain.recall import RecallRequest
    from recollect.embedders.base import Embedding
    from recollect.recall.calibration import Calibration
    from recollect.recall.ranking import Ranking
    from recollect.recall.selection import Choice
    from recollect.recall.vault_index import VaultIndex


@dataclass(frozen=True, slots=True)
class Find:
    """A hit before its text is there."""

    number: MessageNumber
    start: int
    end: int
    score: float
    tokens: int
    signals: Mapping[str, float]

    def hit(self, message: StoredMessage) -> Hit:
        """The hit, with its message."""
        return Hit("passage", message, self.start, self.end, self.score, self.tokens, self.signals)


@dataclass(frozen=True, slots=True)
class Answer:
    """``ranked`` best first; ``selected`` in reading order, their tokens including their day's header."""

    ranked: tuple[Find, ...]
    selected: tuple[Find, ...]
    verdict: GateVerdict
    cut: tuple[tuple[MessageNumber, str], ...]
    has_vectors: bool

    @property
    def numbers(self) -> list[MessageNumber]:
        """The messages whose text is needed."""
        return list(dict.fromkeys(find.number for find in (*self.ranked, *self.selected)))

    def result(self, messages: Mapping[int, StoredMessage]) -> RecallResult:
        """The result; a message that was deleted in between is left out."""
        selection = tuple(find.hit(messages[find.number]) for find in self.selected if find.number in messages)
        return RecallResult(
            status=MemoryStatus.INJECTED if selection else MemoryStatus.EMPTY,
            ranking=tuple(find.hit(messages[find.number]) for find in self.ranked if find.number in messages),
            selection=selection,
            gate=self.verdict,
            cut=self.cut,
            has_vectors=self.has_vectors,
        )


def answer(
    index: VaultIndex,
    request: RecallRequest,
    embedding: Embedding | None,
    recent_session: int | None,
    calibration: Calibration | None = None,
) -> Answer:
    """Rank, gate and select. ``calibration`` is that of the index's model, where it has one."""
    now = request.as_of or request.now or datetime.now(UTC)
    text = asked_text(request)
    query = read_query(text, index.languages, now.date(), embedding)
    if text != request.query:
        query = replace(query, leans_on_context=True)
    eligible = eligible_places(index, request)
    with on_one_thread():
        ranking = rank(index, query, plan_for(request.strategy), eligible)
    selector = Selector(index, request, eligible)
    evidence = gate_evidence(index, query, ranking)
    if calibration is not None:
        evidence = calibration.applied(evidence)
    has_known_scale = calibration is not None or is_calibrated(index.model)
    verdict = decide(evidence, query, request.threshold, has_known_scale=has_known_scale)
    if not verdict.is_open and selector.is_small and not query.is_small_talk:
        verdict = GateVerdict(is_open=True, reason="the whole vault fits", signals=verdict.signals)
    if request.widens:
        ranking = lifted(index, query, ranking)
    recent = recent_places(index, request, selector.injectable, recent_session)
    choice = selector.choose(ranking, is_open=verdict.is_open, recent=recent)
    return _answer(index, ranking, choice, verdict)


def asked_text(request: RecallRequest) -> str:
    """What is looked for: the query, with the turns before it where it makes no sense alone."""
    return request.query if is_small_talk(request.query) else with_context(request.query, request.context)


def _answer(index: VaultIndex, ranking: Ranking, choice: Choice, verdict: GateVerdict) -> Answer:
    wanted = list(dict.fromkeys([*(place for place, _ in choice.ranked), *choice.selected]))
    finds = dict(zip(wanted, _finds(index, ranking, np.array(wanted, np.int64)), strict=True))
    moments = dict(zip(wanted, index.messages.occurred_ms.view[index.layout.message[wanted]].tolist(), strict=True))
    in_order = sorted(choice.selected, key=lambda place: (moments[place], place))
    return Answer(
        ranked=tuple(finds[place] for place, _ in choice.ranked),
        selected=tuple(replace(finds[place], tokens=choice.selected[place]) for place in in_order),
        verdict=verdict,
        cut=tuple((MessageNumber(number), reason) for number, reason in choice.cut),
        has_vectors="dense" in ranking.signals,
    )


def _finds(index: VaultIndex, ranking: Ranking, places: NDArray[np.int64]) -> list[Find]:
    layout, passages = index.layout, index.passages
    rows = layout.passage[places]
    columns = (
        index.messages.number.view[layout.message[places]],
        passages.start.view[rows],
        passages.end.view[rows],
        passages.tokens.view[rows],
    )
    plain = zip(*(column.tolist() for column in columns), strict=True)
    explained = zip(plain, _explained(ranking, places, len(layout)), strict=True)
    return [
        Find(MessageNumber(number), start, end, score, tokens, found)
        for (number, start, end, tokens), (score, found) in explained
    ]


def _explained(ranking: Ranking, places: NDArray[np.int64], total: int) -> list[tuple[float, Mapping[str, float]]]:
    """Score and signals of each place, nothing for one that is not in the ranking."""
    rank_of = np.full(total, -1, np.int64)
    rank_of[ranking.places] = np.arange(len(ranking.places))
    is_ranked = rank_of[places] >= 0
    ranks = rank_of[places[is_ranked]]
    table = np.stack(list(ranking.signals.values()))[:, ranks].T.round(4)
    known = iter(zip(ranking.scores[ranks].tolist(), table.tolist(), strict=True))
    found: list[tuple[float, Mapping[str, float]]] = []
    for ranked in is_ranked.tolist():
        score, row = next(known) if ranked else (0.0, ())
        found.append((score, dict(zip(ranking.signals, row, strict=False))))
    return found
