"""A vault in memory, filled by plain calls, and text to fill it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from recollect.domain.capture import AtHead, Capture
from recollect.domain.ids import ProjectId, SessionName, VaultId
from recollect.domain.messages import NewMessage
from recollect.domain.recall import RecallRequest, RecallResult
from recollect.recall.engine import RecallEngine
from recollect.recall.indexer import PassageIndexer
from recollect.stores.in_memory import in_memory_store

if TYPE_CHECKING:
    from recollect.domain.capture import Anchor, CaptureReceipt
    from recollect.embedders.base import Embedder
    from recollect.stores.base import Store

MONDAY = datetime(2024, 3, 4, 12, tzinfo=UTC)


@dataclass
class Room:
    """One vault with its store, indexer and engine."""

    embedder: Embedder | None = None
    store: Store = field(default_factory=in_memory_store)
    vault: VaultId = field(init=False)

    def __post_init__(self) -> None:
        self.engine = RecallEngine(self.store.index, self.store.messages, self.store.sessions, self.embedder)
        self.indexer = PassageIndexer(self.embedder)

    async def say(
        self, *texts: str, session: str = "s1", anchor: Anchor | None = None, at: datetime = MONDAY, **more: object
    ) -> CaptureReceipt:
        """Capture messages of a user, a minute apart."""
        messages = tuple(
            NewMessage(**{"role": "user", "text": text, "occurred_at": at + timedelta(minutes=n), **more})
            for n, text in enumerate(texts)
        )
        capture = Capture(ProjectId("p"), "anna", SessionName(session), anchor or AtHead(), messages, at)
        receipt = await self.store.messages.capture(capture)
        vault = await self.store.vaults.open_vault(ProjectId("p"), "anna", may_create=False)
        assert vault is not None
        self.vault = vault.id
        return receipt

    async def index(self) -> None:
        """What the worker does."""
        messages = await self.store.messages.list_messages(self.vault, limit=100_000)
        await self.store.index.put_passages(self.vault, await self.indexer.index(messages))

    async def recall(self, query: str, **more: object) -> RecallResult:
        """Ask, on the day after."""
        return await self.engine.recall(
            self.vault, RecallRequest(**{"query": query, "now": MONDAY + timedelta(days=1), **more})
        )


def texts(hits: object) -> list[str]:
    return [hit.text for hit in hits]


FILLER = tuple(
    f"Note {number}: the {thing} in the {place} was {state} again."
    for number, (thing, place, state) in enumerate(
        (thing, place, state)
        for thing in ("printer", "window", "coffee machine", "elevator", "projector", "heating", "door", "carpet")
        for place in ("office", "basement", "lobby", "kitchen", "garage")
        for state in ("broken", "repaired", "noisy")
    )
)
"""Enough text that no budget takes it whole."""
