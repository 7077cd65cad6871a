"""Which ranked passages are returned, and which are injected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall.eligibility import repeated_places
from recollect.recall.packing import Budget, fits_whole
from recollect.wire.memory_block import FRAME_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from recollect.domain.recall import RecallRequest
    from recollect.recall.ranking import Ranking
    from recollect.recall.vault_index import VaultIndex

TOKEN_PRICE = 0.02
"""What the logarithm of its tokens takes from a passage's score when it is packed: two short may beat a long one."""
LEAST_DUPLICATE_TERMS = 3
"""Passages with the same index terms in the same order are duplicates, unless they are as short as "yes, thanks"."""
QUESTION = b"?"


@dataclass(slots=True)
class Choice:
    """Places of the layout: ``ranked`` with their rank in the ranking, ``selected`` with the tokens each takes."""

    ranked: list[tuple[int, int]] = field(default_factory=list)
    selected: dict[int, int] = field(default_factory=dict)
    cut: list[tuple[int, str]] = field(default_factory=list)


class Selector:
    """Chooses for one request from one vault's ranking."""

    def __init__(self, index: VaultIndex, request: RecallRequest, eligible: NDArray[np.bool_]) -> None:
        """Take the vault, the request, and the places that it may see."""
        self._index = index
        self._layout = index.layout
        self._request = request
        self._eligible = eligible
        self._days = index.standing.days
        self._tokens = index.passages.tokens.view[self._layout.passage]
        self._asks = index.standing.asks
        self._repeated = repeated_places(index, request)
        self._budget = Budget(request.max_tokens - FRAME_TOKENS)

    @property
    def injectable(self) -> NDArray[np.int64]:
        """The places that the request may see and does not hold already, in reading order."""
        return np.flatnonzero(self._eligible & ~self._repeated)

    @property
    def is_small(self) -> bool:
        """Everything that could be injected fits the budget."""
        places = self.injectable
        if not len(places) or int(self._tokens[places].sum()) > self._budget.left:
            return False
        return fits_whole(((int(self._tokens[place]), int(self._days[place])) for place in places), self._budget.left)

    def choose(self, ranking: Ranking, *, is_open: bool, recent: Iterable[int]) -> Choice:
        """Rank, then pack. ``recent`` places are taken first, whatever their relevance."""
        choice = Choice()
        limit = self._request.limit
        for rank, place in self._distinct(ranking, choice):
            if len(choice.ranked) == limit:
                break
            choice.ranked.append((place, rank))
        for place in recent:
            self._take(place, choice)
        if self.is_small and is_open:
            for place in self.injectable.tolist():
                self._take(place, choice)
            return choice
        admitted = limit if is_open else min(self._request.min_hits, limit)
        for place, _ in choice.ranked[admitted:]:
            choice.cut.append((self._number(place), "gate"))
        worth = ranking.scores - TOKEN_PRICE * np.log(np.maximum(self._tokens[ranking.places], 1))
        for place, _ in sorted(choice.ranked[:admitted], key=lambda one: -float(worth[one[1]])):
            self._take(place, choice)
        return choice

    def _distinct(self, ranking: Ranking, choice: Choice) -> Iterator[tuple[int, int]]:
        """Ranked places, the best passage of each message, near-duplicates left out."""
        messages: set[int] = set()
        texts: set[bytes] = set()
        terms = self._index.passages.terms
        passages = self._layout.passage[ranking.places]
        ranked = zip(
            ranking.places.tolist(),
            self._layout.message[ranking.places].tolist(),
            terms.offsets[passages].tolist(),
            terms.offsets[passages + 1].tolist(),
            self._asks[ranking.places].tolist(),
            strict=True,
        )
        for rank, (place, message, begin, end, asks) in enumerate(ranked):
            if message in messages:
                continue
            messages.add(message)
            text = terms.rows.view[begin:end].tobytes()
            if asks:
                text += QUESTION  # a question does not stand for the statement that answers it in its words
            if text in texts:
                choice.cut.append((self._number(place), "duplicate"))
                continue
            if len(text) >= LEAST_DUPLICATE_TERMS * 4:
                texts.add(text)
            yield rank, place

    def _take(self, place: int, choice: Choice) -> None:
        if place in choice.selected:
            return
        if self._repeated[place]:
            choice.cut.append((self._number(place), "present"))
            return
        taken = self._budget.take(int(self._tokens[place]), int(self._days[place]))
        if taken is None:
            choice.cut.append((self._number(place), "budget"))
        else:
            choice.selected[place] = taken

    def _number(self, place: int) -> int:
        return int(self._index.messages.number.view[self._layout.message[place]])


def recent_places(
    index: VaultIndex, request: RecallRequest, injectable: NDArray[np.int64], session: int | None
) -> list[int]:
    """Of the injectable places, those of the newest messages of a session, and of all, wanted whatever their relevance.

    Newest first, so that the budget cuts the oldest.
    """
    layout = index.layout
    wanted: list[int] = []
    if session is not None and request.recent_messages:
        inside = injectable[index.messages.session.view[layout.message[injectable]] == session]
        wanted.extend(_newest(layout.message, inside, request.recent_messages))
    if request.last_n_messages and len(injectable):
        order = injectable[np.argsort(index.messages.number.view[layout.message[injectable]], kind="stable")]
        wanted.extend(_newest(layout.message, order, request.last_n_messages))
    return list(dict.fromkeys(wanted))


def _newest(message: NDArray[np.int64], places: NDArray[np.int64], count: int) -> list[int]:
    """The places (given oldest first) of the last ``count`` messages, newest first."""
    kept = list(dict.fromkeys(message[places[::-1]].tolist()))[:count]
    return [int(place) for place in places[::-1] if message[place] in kept]
