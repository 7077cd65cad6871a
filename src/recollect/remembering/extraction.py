"""Reads one session with one extractor, window by window, and stores what it found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from recollect.domain.ids import digest16
from recollect.domain.knowledge import WindowExtraction
from recollect.domain.memories import Claim, Entity, Relation
from recollect.extractors.base import EVIDENCE_ROLES, has_evidence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from datetime import datetime

    from recollect.domain.ids import MessageNumber, SessionNumber, VaultId
    from recollect.domain.knowledge import WindowMark
    from recollect.domain.memories import Evidence, Extraction
    from recollect.domain.messages import StoredMessage
    from recollect.extractors.base import Extractor
    from recollect.stores.base import Store

_Found = TypeVar("_Found", Claim, Relation)

CHARACTERS_PER_TOKEN = 4
MOST_MESSAGES = 100_000
"""Of a session that is longer still, the newest."""


class SessionReader:
    """Reads what has changed in a session since an extractor read it."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        """Take where messages are and knowledge is kept."""
        self._store = store
        self._clock = clock

    async def read(
        self,
        vault: VaultId,
        session: SessionNumber,
        extractor: Extractor,
        marks: Sequence[WindowMark],
        ask: Callable[[Extractor, Sequence[StoredMessage]], Awaitable[Extraction | None]],
    ) -> bool:
        """Read the windows that ``marks`` do not show as read, and store each as soon as it is read.

        ``ask`` has a window extracted, or answers None where there is no time for it now: False is returned then, and
        what is missing is read the next time. Errors of the extractor and of the store pass.
        """
        messages = await self._store.messages.session_messages(vault, session, limit=MOST_MESSAGES)
        windows = list(cut(messages, extractor.window_tokens))
        known = {mark.window: mark.digest for mark in marks if mark.extractor == extractor.name}
        if any(place >= len(windows) for place in known):
            await self._store.knowledge.put_windows(vault, session, extractor.name, [], len(windows))
        for place, window in enumerate(windows):
            digest = digest_of(extractor.version, window)
            if known.get(place) == digest:
                continue
            found = await ask(extractor, window)
            if found is None:
                return False
            read = WindowExtraction(
                window=place,
                version=extractor.version,
                digest=digest,
                numbers=tuple(message.number for message in window),
                found=checked(found, window),
                extracted_at=self._clock(),
            )
            await self._store.knowledge.put_windows(vault, session, extractor.name, [read], len(windows))
        return True


def cut(messages: Sequence[StoredMessage], tokens: int) -> Iterator[list[StoredMessage]]:
    """Windows of what users and assistants said, each of at most so many tokens, or of one longer message."""
    window: list[StoredMessage] = []
    size = 0
    for message in messages:
        if message.role not in EVIDENCE_ROLES or not message.text.strip():
            continue
        if window and size + len(message.text) > tokens * CHARACTERS_PER_TOKEN:
            yield window
            window, size = [], 0
        window.append(message)
        size += len(message.text)
    if window:
        yield window


def digest_of(version: str, window: Sequence[StoredMessage]) -> str:
    """Tells whether a window was read as it is now: the version, and the content addresses of its messages."""
    return digest16(version.encode(), *(message.id for message in window)).hex()


def checked(found: Extraction, window: Sequence[StoredMessage]) -> Extraction:
    """What stands in these messages and nothing else, each claim dated by when the vault was told."""
    by_number = {message.number: message for message in window}
    dropped: Counter[str] = Counter(found.dropped)
    claims, relations = _evident(found.claims, window), _evident(found.relations, window)
    missing = len(found.claims) + len(found.relations) - len(claims) - len(relations)
    if missing:
        dropped["no_evidence"] += missing
    entities = (
        Entity(one.name, mentions, one.aliases)
        for one in found.entities
        if (mentions := tuple(number for number in one.mentions if number in by_number))
    )
    summary = found.summary and replace(
        found.summary,
        sentences=tuple(one for one in found.summary.sentences if _stands(one, by_number)),
    )
    return replace(
        found,
        claims=tuple(replace(one, recorded_at=_told_at(one, by_number)) for one in claims),
        relations=tuple(replace(one, recorded_at=_told_at(one, by_number)) for one in relations),
        entities=tuple(entities),
        summary=summary if summary and (summary.sentences or summary.text) else None,
        dropped=dict(dropped),
    )


def _evident(found: Sequence[_Found], window: Sequence[StoredMessage]) -> list[_Found]:
    return [one for one in found if has_evidence(one, window)]


def _stands(one: Evidence, by_number: dict[MessageNumber, StoredMessage]) -> bool:
    return one.message in by_number and by_number[one.message].text[one.start : one.end] == one.quote


def _told_at(one: Claim | Relation, by_number: dict[MessageNumber, StoredMessage]) -> datetime:
    return max(by_number[each.message].captured_at for each in one.evidence)
