"""Where the messages of a capture stand in their session: decided once, for every store.

A session is a tree of messages by content address; its live branch has at most one message per depth.
:func:`place` reads the session through :class:`SessionView` and answers what is new, what was there,
what becomes live again and what ceases to be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from recollect.domain.capture import After
from recollect.domain.ids import MessageId, message_id, session_root

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.capture import Capture
    from recollect.domain.ids import Fingerprint
    from recollect.domain.messages import NewMessage


class Standing(NamedTuple):
    """A stored message, as far as placing needs it. ``parent_number`` 0: the session's start, or unknown."""

    number: int
    session_number: int
    depth: int
    is_live: bool
    id: MessageId
    identity: Fingerprint
    role: str
    parent_number: int


class SessionView(Protocol):
    """One session of a vault, as it stands within the transaction that captures."""

    def head(self) -> Standing | None:
        """The newest live message."""

    def by_id(self, message: MessageId) -> Standing | None:
        """A message of the vault, in any session."""

    def by_number(self, number: int) -> Standing | None:
        """A message of the vault, in any session."""

    def by_external_id(self, external_id: str) -> Standing | None:
        """The session's message that the caller gave this id."""

    def by_delivery(self, message: NewMessage, captured_at: datetime) -> Standing | None:
        """The session's first message of this identity that was captured at this time or later."""

    def live_from(self, depth: int) -> list[tuple[int, int]]:
        """Depth and number of the session's live messages at a depth and behind."""


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A message that is to be inserted."""

    message: NewMessage
    number: int
    id: MessageId
    depth: int
    parent_number: int


@dataclass(slots=True)
class Placement:
    """What a capture does to its session. ``ids`` and ``numbers`` stand in the order of its messages."""

    ids: list[MessageId] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    new: list[NewPlace] = field(default_factory=list)
    revived: list[int] = field(default_factory=list)
    retired: list[int] = field(default_factory=list)

    @property
    def live_change(self) -> int:
        """By how many the live branch grows."""
        return len(self.new) + len(self.revived) - len(self.retired)


def place(capture: Capture, view: SessionView, *, session_number: int, next_number: int) -> Placement:
    """Decide where every message of the capture stands; see :meth:`MessageStore.capture` for the rules."""
    return _Placing(capture, view, session_number, next_number).run()


class _Placing:
    """The walk along a capture: the place that the next message takes, and the path so far."""

    def __init__(self, capture: Capture, view: SessionView, session_number: int, next_number: int) -> None:
        self._capture = capture
        self._view = view
        self._session = session_number
        self._next_number = next_number
        self._is_at_head = not isinstance(capture.anchor, After)
        self._parent = session_root(capture.session)
        self._parent_number = 0
        self._depth = 0
        self._path: set[int] = set()
        self._newly_live: set[int] = set()
        self._given: dict[str, tuple[MessageId, int]] = {}
        self._plan = Placement()

    def run(self) -> Placement:
        """Place every message; used once."""
        messages = list(self._capture.messages)
        if isinstance(self._capture.anchor, After):
            self._stand_after(self._capture.anchor.message)
        elif (again := self._delivered() or self._unanswered()) is not None:
            self._keep(again)
            self._continue_behind(again)
            del messages[0]
        else:
            self._stand_at_head()
        for message in messages:
            self._place(message)
        self._retire()
        return self._plan

    def _stand_at_head(self) -> None:
        head = self._view.head()
        if head is not None:
            self._continue_behind(head)

    def _stand_after(self, message: MessageId | None) -> None:
        if message is None:
            return
        anchor = self._view.by_id(message)
        if anchor is not None and anchor.session_number == self._session:
            self._revive_up_to(anchor)
            self._continue_behind(anchor)
            return
        # Deleted meanwhile, or never arrived: behind what there is, under an address that a repetition finds again.
        self._stand_at_head()
        self._parent, self._parent_number = message, 0

    def _delivered(self) -> Standing | None:
        """The first message of this very capture, where all of it is stored already.

        It was delivered twice, or waited in the spool while a later request brought it as its history: what
        is newer than the capture and equal to all of it, in a row, is the capture.
        """
        if not self._capture.messages:
            return None
        first, *rest = self._capture.messages
        standing = self._view.by_delivery(first, self._capture.captured_at)
        if standing is None:
            return None
        address = standing.id
        for message in rest:
            address = message_id(address, message.identity)
            if self._view.by_id(address) is None:
                return None
        return standing

    def _unanswered(self) -> Standing | None:
        """The user's message at the head, where the first one repeats it: an SDK tries again."""
        head = self._view.head()
        first = self._capture.messages[0] if self._capture.messages else None
        if head is None or first is None or head.identity != first.identity:
            return None
        return head if head.role == first.role == "user" else None

    def _place(self, message: NewMessage) -> None:
        if message.external_id is not None and self._is_given(message.external_id):
            return
        address = message_id(self._parent, message.identity)
        standing = self._view.by_id(address)
        if standing is None:
            self._insert(message, address)
            return
        self._keep(standing)
        if standing.session_number == self._session and standing.depth >= self._depth:
            self._make_live(standing)
            self._continue_behind(standing)
        else:
            self._parent, self._parent_number = standing.id, standing.number

    def _is_given(self, external_id: str) -> bool:
        """The caller's id is known: at the head nothing moves; behind a named place the walk goes on from there."""
        if external_id in self._given:
            address, number = self._given[external_id]
            self._plan.ids.append(address)
            self._plan.numbers.append(number)
            return True
        standing = self._view.by_external_id(external_id)
        if standing is None:
            return False
        self._keep(standing)
        if not self._is_at_head and standing.depth >= self._depth:
            self._make_live(standing)
            self._continue_behind(standing)
        return True

    def _insert(self, message: NewMessage, address: MessageId) -> None:
        number = self._next_number
        self._next_number += 1
        self._plan.ids.append(address)
        self._plan.numbers.append(number)
        self._plan.new.append(NewPlace(message, number, address, self._depth, self._parent_number))
        if message.external_id is not None:
            self._given[message.external_id] = (address, number)
        self._path.add(number)
        self._newly_live.add(self._depth)
        self._parent, self._parent_number = address, number
        self._depth += 1

    def _keep(self, standing: Standing) -> None:
        self._plan.ids.append(standing.id)
        self._plan.numbers.append(standing.number)

    def _make_live(self, standing: Standing) -> None:
        self._path.add(standing.number)
        if not standing.is_live:
            self._plan.revived.append(standing.number)
            self._newly_live.add(standing.depth)

    def _revive_up_to(self, anchor: Standing) -> None:
        above: Standing | None = anchor
        while above is not None and not above.is_live:
            self._make_live(above)
            above = self._view.by_number(above.parent_number) if above.parent_number else None
        self._path.add(anchor.number)

    def _continue_behind(self, standing: Standing) -> None:
        self._parent, self._parent_number = standing.id, standing.number
        self._depth = standing.depth + 1

    def _retire(self) -> None:
        """Where a place is taken that another message has, the other and all behind it cease to be live."""
        if not self._newly_live:
            return
        others = [
            (depth, number) for depth, number in self._view.live_from(min(self._newly_live)) if number not in self._path
        ]
        taken = [depth for depth, _ in others if depth in self._newly_live]
        if taken:
            first = min(taken)
            self._plan.retired.extend(number for depth, number in others if depth >= first)
