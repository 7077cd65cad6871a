"""What a gateway stands on, and keeps while its settings change: the database, the model, and the indexes.

The part of the composition root that opens what is costly: concrete stores and embedders are named here.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.accounting.book import UsageBook
from recollect.embedders.minilm import load_minilm
from recollect.embedders.openai_compatible import OpenAICompatibleEmbedder
from recollect.errors import EmbedderUnavailableError, SettingsError
from recollect.exchange.resolve import Resolver
from recollect.recall.calibration import Calibration
from recollect.recall.engine import RecallEngine
from recollect.recall.indexer import PassageIndexer
from recollect.stores.in_memory import in_memory_store
from recollect.stores.spool import Spool
from recollect.stores.sqlite import open_sqlite_store
from recollect.worker import Warming, Worker, WorkerSettings

if TYPE_CHECKING:
    from recollect.embedders.base import Embedder
    from recollect.settings import Settings
    from recollect.stores.base import Store

logger = logging.getLogger(__name__)

MIB = 1024 * 1024
DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Ground:
    """What stays while settings change: a gateway may be built on the ground of another one."""

    store: Store
    spool: Spool
    embedder: Embedder | None
    embedder_problem: str | None
    engine: RecallEngine
    worker: Worker
    resolver: Resolver
    book: UsageBook
    warming: Warming


async def lay_ground(settings: Settings) -> Ground:
    """Open the database and the model. StoreUnavailableError; without a model, recall is lexical."""
    store = await asyncio.to_thread(_open_store, settings)
    embedder, problem = await asyncio.to_thread(_open_embedder, settings)
    spool = Spool(settings.spool_dir)
    engine = RecallEngine(
        store.index,
        store.messages,
        store.sessions,
        embedder,
        cache_bytes=settings.recall.cache_mb * MIB,
        calibration=Calibration.read(settings.calibration_path),
    )
    worker = Worker(
        store,
        PassageIndexer(embedder),
        model=embedder.model if embedder else "",
        spool=spool,
        settings=WorkerSettings(
            keep_traces_s=settings.traces.retention_days * DAY_S,
            keep_requests_s=settings.requests.retention_days * DAY_S,
        ),
    )
    worker.on_indexed = engine.refresh
    resolver = Resolver(store.vaults, store.sessions)
    warming = Warming(store.vaults, engine)
    return Ground(store, spool, embedder, problem, engine, worker, resolver, UsageBook(store.usage), warming)


def _open_store(settings: Settings) -> Store:
    if settings.store.kind == "memory":
        return in_memory_store()
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_sqlite_store(settings.database_path)
    except OSError as error:
        message = (
            f"data_dir: {settings.data_dir} cannot be used ({error.strerror or error}). Choose another folder with "
            "`--data`, or give the user that runs Recollect access to it."
        )
        raise SettingsError(message) from error


def _open_embedder(settings: Settings) -> tuple[Embedder | None, str | None]:
    """The embedder, or why there is none: recall is then lexical, and never an error."""
    chosen = settings.embedder
    if chosen.kind == "none":
        return None, "the setting `embedder.kind` is `none`."
    try:
        if chosen.kind == "openai":
            return _openai_embedder(settings), None
        return load_minilm(
            chosen.cache_dir, chosen.path, is_quantised=chosen.is_quantised, may_download=chosen.may_download
        ), None
    except EmbedderUnavailableError as error:
        logger.warning("recall is lexical only: %s", error)
        return None, str(error)


def _openai_embedder(settings: Settings) -> Embedder:
    chosen = settings.embedder
    if chosen.base_url is None or chosen.model is None:
        message = "embedder: kind `openai` needs `embedder.base_url` and `embedder.model`."
        raise SettingsError(message)
    return OpenAICompatibleEmbedder(
        base_url=chosen.base_url, model=chosen.model, api_key=chosen.api_key, dimension=chosen.dimension
    )
