"""Recall: from a question and a vault to what is returned and what is injected."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from recollect.domain.recall import GateVerdict, MemoryStatus, RecallResult
from recollect.errors import EmbedderUnavailableError, StoreUnavailableError, place_of
from recollect.recall.answer import answer, asked_text
from recollect.recall.index_cache import IndexCache
from recollect.recall.plans import plan_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.domain.ids import VaultId
    from recollect.domain.recall import RecallRequest
    from recollect.embedders.base import Embedder, Embedding
    from recollect.recall.calibration import Calibration
    from recollect.recall.vault_index import VaultIndex
    from recollect.stores.base import IndexStore, MessageStore, SessionStore

logger = logging.getLogger(__name__)

DEFAULT_CACHE_BYTES = 512 * 1024 * 1024
DEFECTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a mistake in ranking would raise: it costs the request its memories, and nothing else."""


class RecallEngine:
    """Ranks vaults against questions. One instance serves all requests of a process."""

    def __init__(
        self,
        index_store: IndexStore,
        message_store: MessageStore,
        session_store: SessionStore,
        embedder: Embedder | None,
        *,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        calibration: Calibration | None = None,
    ) -> None:
        """Take where derived data, texts and sessions are, the model (None: words alone) and its scale; a calibration
        of another model is left aside."""
        self._messages = message_store
        self._sessions = session_store
        self._embedder = embedder
        self._calibration = calibration if embedder and calibration and calibration.model == embedder.model else None
        self._cache = IndexCache(
            index_store,
            model=embedder.model if embedder else "",
            max_bytes=cache_bytes,
        )

    @property
    def has_vectors(self) -> bool:
        """Recall uses an embedder; without one it ranks by words alone."""
        return self._embedder is not None

    @property
    def cached_bytes(self) -> int:
        """Memory held by vault indexes, estimated."""
        return self._cache.nbytes

    def drop_calibration(self) -> None:
        """Show raw cosines again: whoever makes a calibration needs them."""
        self._calibration = None

    def forget(self, vault: VaultId) -> None:
        """Drop what is held in memory of a vault."""
        self._cache.forget(vault)

    async def refresh(self, vault: VaultId) -> None:
        """Bring the index of a vault that is held up to date, so that the next recall need not."""
        if self._cache.holds(vault):
            await self.load(vault)

    async def load(self, vault: VaultId) -> None:
        """Have the index of a vault in memory, up to date, so that the next recall need not wait for it. Never raises
        for a store that fails."""
        try:
            await self._cache.work(vault, _nothing)
        except StoreUnavailableError:
            return  # the next recall will say so

    async def recall(self, vault: VaultId, request: RecallRequest) -> RecallResult:
        """Rank, gate, select. Never raises for a store or a model that fails or is late: the status says so."""
        started = time.perf_counter()
        stage_ms: dict[str, float] = {}
        try:
            async with asyncio.timeout(None if request.deadline_ms is None else request.deadline_ms / 1000):
                result = await self._recall(vault, request, stage_ms)
        except TimeoutError:
            result = _silent(MemoryStatus.TIMEOUT, "the deadline passed")
        except StoreUnavailableError as error:
            logger.warning("recall is off for this request: %s", error)
            result = _silent(MemoryStatus.ERROR, "the store is not available")
        except DEFECTS as error:
            logger.error("recall failed, which is a defect: %s", place_of(error))  # noqa: TRY400 - no text of messages
            result = _silent(MemoryStatus.ERROR, "recall failed")
        took_ms = (time.perf_counter() - started) * 1000
        return replace(result, strategy=plan_for(request.strategy).name, took_ms=took_ms, stage_ms=stage_ms)

    async def _recall(self, vault: VaultId, request: RecallRequest, stage_ms: dict[str, float]) -> RecallResult:
        with _timed(stage_ms, "embed"):
            embedding = await self._embed(asked_text(request))
        with _timed(stage_ms, "load"):
            recent = await self._recent_session(vault, request)
        with _timed(stage_ms, "rank"):
            found = await self._cache.work(
                vault, lambda index: answer(index, request, embedding, recent, self._calibration)
            )
        with _timed(stage_ms, "fetch"):
            messages = await self._messages.messages(vault, found.numbers) if found.numbers else []
        return found.result({message.number: message for message in messages})

    async def _embed(self, query: str) -> Embedding | None:
        if self._embedder is None or not query.strip():
            return None
        try:
            return await self._embedder.embed_query(query)
        except EmbedderUnavailableError as error:
            logger.warning("recall goes by words alone for this request: %s", error)
            return None

    async def _recent_session(self, vault: VaultId, request: RecallRequest) -> int | None:
        if request.recent_session is None or not request.recent_messages:
            return None
        session = await self._sessions.find_session(vault, request.recent_session)
        return session.number if session else None


def _nothing(_: VaultIndex) -> None:
    """The job of whoever only wants the index to be up to date."""


def _silent(status: MemoryStatus, reason: str) -> RecallResult:
    return RecallResult(status, gate=GateVerdict(is_open=False, reason=reason))


@contextmanager
def _timed(stage_ms: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        stage_ms[stage] = (time.perf_counter() - started) * 1000
