"""The strategy ``agentic``: a model chooses, and ``balanced`` answers where it does not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from recollect.domain.recall import Browsing, GateVerdict, MemoryStatus, RecallResult, Strategy
from recollect.errors import StoreUnavailableError
from recollect.recall.agentic.browser import Bounds, Browser
from recollect.recall.agentic.desk import Desk
from recollect.recall.agentic.toolbox import Toolbox

if TYPE_CHECKING:
    from recollect.domain.chat import ChatModel
    from recollect.domain.ids import VaultId
    from recollect.domain.recall import Hit, RecallRequest
    from recollect.remembering.knowledge import VaultKnowledge
    from recollect.stores.base import MessageStore, SessionStore

NO_MODEL = "no_model"
FIRST_DEADLINE_MS = 150.0


class Recalls(Protocol):
    """Recall without a model."""

    async def recall(self, vault: VaultId, request: RecallRequest) -> RecallResult:
        """Rank, gate, select. Never raises for a store that fails."""

    def forget(self, vault: VaultId) -> None:
        """Drop what is held of a vault."""


class Knows(Protocol):
    """Knows what was distilled from a vault."""

    async def of(self, vault: VaultId) -> VaultKnowledge:
        """What is known of it now."""


@dataclass(frozen=True, slots=True)
class AgenticRecaller:
    """Serves every strategy: ``agentic`` itself, the others through ``inner``.

    ``model`` goes before the request's own. ``deadline_ms`` is that of ``balanced``, which goes first, so that the
    model has something to begin with, and the request something to fall back on.
    """

    inner: Recalls
    knowledge: Knows
    sessions: SessionStore
    messages: MessageStore
    model: ChatModel | None = None
    deadline_ms: float = FIRST_DEADLINE_MS
    bounds: Bounds = field(default_factory=Bounds)

    def forget(self, vault: VaultId) -> None:
        """Drop what is held in memory of a vault."""
        self.inner.forget(vault)

    async def recall(self, vault: VaultId, request: RecallRequest) -> RecallResult:
        """As its strategy asks. Never raises for a store or a model that fails: the result says so."""
        if request.strategy is not Strategy.AGENTIC:
            return await self.inner.recall(vault, request)
        bounded = request.deadline_ms is not None
        asked = replace(request, deadline_ms=self.deadline_ms if bounded else None)
        first = await self.inner.recall(vault, replace(asked, strategy=Strategy.BALANCED))
        model = self.model or request.model
        if model is None:
            return replace(first, browsing=Browsing("", fell_back=NO_MODEL))
        try:
            known = await self.knowledge.of(vault)
        except StoreUnavailableError:
            return replace(first, browsing=Browsing(model.name, fell_back="store"))
        desk = Desk(request)
        box = Toolbox(vault, asked, desk, self.inner.recall, self.sessions, self.messages, known)
        chosen, browsing = await Browser(model, box, self.bounds).browse(first)
        if browsing.fell_back:
            return replace(first, browsing=browsing)
        return await self._result(vault, asked, first, (desk, chosen), browsing)

    async def _result(
        self,
        vault: VaultId,
        request: RecallRequest,
        first: RecallResult,
        picked: tuple[Desk, list[Hit]],
        browsing: Browsing,
    ) -> RecallResult:
        """What the model chose, behind what the request wants whatever its relevance."""
        desk, chosen = picked
        always: tuple[Hit, ...] = ()
        if request.recent_messages or request.last_n_messages or request.last_n_summaries:
            wanted = replace(request, query="", context=(), strategy=Strategy.BALANCED, min_hits=0)
            always = (await self.inner.recall(vault, wanted)).selection
        taken = {(hit.kind, hit.message.number) for hit in always}
        selection = desk.packed([*always, *(hit for hit in chosen if (hit.kind, hit.message.number) not in taken)])
        return RecallResult(
            status=MemoryStatus.INJECTED if selection else MemoryStatus.EMPTY,
            ranking=tuple(chosen[: request.limit]),
            selection=selection,
            gate=GateVerdict(is_open=bool(chosen), reason="a model chose"),
            strategy=Strategy.AGENTIC,
            took_ms=first.took_ms + browsing.took_ms,
            stage_ms={**first.stage_ms, "browse": browsing.took_ms},
            has_vectors=first.has_vectors,
            browsing=browsing,
        )
