"""The composition root: the only module that names concrete backends."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from recollect.domain.controls import Controls
from recollect.embedders.minilm import load_minilm
from recollect.embedders.openai_compatible import OpenAICompatibleEmbedder
from recollect.errors import EmbedderUnavailableError, RequestError, SettingsError, StoreUnavailableError
from recollect.exchange.account import Accountant
from recollect.exchange.authenticate import Authenticator
from recollect.exchange.capture import Capturer
from recollect.exchange.forward import Forwarder
from recollect.exchange.inject import Injector
from recollect.exchange.memory_calls import MemoryCalls
from recollect.exchange.pipeline import Pipeline, PipelineSettings, Stages
from recollect.exchange.recall import Deadlines, RecallStage
from recollect.exchange.remember import Rememberer
from recollect.exchange.resolve import Resolver
from recollect.extractors.llm import MOST_CALLS, Asker, DailyTokens, LlmExtractor, Pace, Wishes
from recollect.extractors.rules import RuleExtractor
from recollect.providers.allow_list import build_allow_list
from recollect.providers.base import Route
from recollect.providers.bridging import BridgingUpstream, bridges_of
from recollect.providers.chat_model import ProviderChatModel
from recollect.providers.hosts import ProviderHosts
from recollect.providers.http_upstream import HttpUpstream, Timeouts
from recollect.providers.models import ModelCatalogue
from recollect.providers.pricing import PriceBook, parse_prices
from recollect.providers.recall_model import RecallModel
from recollect.providers.registry import context_window
from recollect.providers.routing import resolve_router_style
from recollect.recall.agentic import AgenticRecaller
from recollect.recall.calibration import Calibration
from recollect.recall.engine import RecallEngine
from recollect.recall.indexer import PassageIndexer
from recollect.recall.knowing import KnowingRecaller
from recollect.remembering.editing import MemoryEditor
from recollect.remembering.knowledge import Knowledge
from recollect.server.app import GatewayApp
from recollect.server.ports import Readiness
from recollect.settings import settings_of_worker
from recollect.stores.in_memory import in_memory_store
from recollect.stores.spool import Spool
from recollect.stores.sqlite import open_sqlite_store
from recollect.telemetry.opening import open_telemetry
from recollect.upstreams import provider_keys, registry_of, router_of, sender_of
from recollect.worker import ExtractionSettings, ExtractionWorker, Worker, WorkerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recollect.embedders.base import Embedder
    from recollect.extractors.base import Extractor
    from recollect.providers.base import Provider, Upstream
    from recollect.providers.router import ProviderRouter
    from recollect.settings import Settings
    from recollect.stores.base import Store
    from recollect.telemetry.otlp import Telemetry

logger = logging.getLogger(__name__)

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gateway:
    """One running gateway: every part within reach of whoever serves it or works on it directly."""

    settings: Settings
    store: Store
    spool: Spool
    engine: RecallEngine
    worker: Worker
    extraction: ExtractionWorker
    knowledge: Knowledge
    editor: MemoryEditor
    embedder: Embedder | None
    embedder_problem: str | None
    upstream: HttpUpstream
    pipeline: Pipeline
    calls: MemoryCalls
    authenticator: Authenticator
    defaults: Controls
    router: ProviderRouter
    telemetry: Telemetry | None = None

    async def start(self) -> None:
        """Begin background work, in the running event loop."""
        self.worker.start()
        self.extraction.start()

    async def readiness(self) -> Readiness:
        """Whether requests would be served with memory now."""
        problems: tuple[str, ...] = ()
        notes = () if self.embedder_problem is None else (f"Recall is lexical only: {self.embedder_problem}",)
        try:
            await self.store.control.check()
            alarm = (await self.store.jobs.backlog()).alarm(now())
            notes = notes if alarm is None else (*notes, alarm)
        except StoreUnavailableError as error:
            problems = (str(error),)
        return Readiness(
            embedder=self.embedder.model if self.embedder else "none",
            spooled=self.spool.pending(),
            problems=problems,
            notes=notes,
        )

    def provider_probes(self) -> dict[str, Route]:
        """Where each provider that has a key lists its models: for a check-up."""
        router = self.router
        return {
            name: resolve_router_style(
                router.registry,
                path="models",
                model=None,
                default_provider=name,
                provider_key=None,
                environment_keys=router.environment_keys,
            )
            for name in sorted(router.environment_keys)
        }

    async def close(self) -> None:
        """Finish what was accepted, then release everything."""
        await self.pipeline.drain()
        await self.worker.stop()
        await self.extraction.stop()
        await self.upstream.close()
        if self.telemetry is not None:
            await self.telemetry.close()
        if self.embedder is not None:
            await self.embedder.close()
        await self.store.control.close()


async def open_gateway(settings: Settings) -> Gateway:
    """Build a gateway from its settings. Nothing runs in the background before :meth:`Gateway.start`."""
    telemetry = open_telemetry(settings)
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
        settings=WorkerSettings(keep_traces_s=settings.traces.retention_days * 86400),
    )
    worker.on_indexed = engine.refresh
    knowledge = Knowledge(store.knowledge, policy=settings.knowledge.conflicts)
    registry = registry_of(settings)
    keys = provider_keys(settings, registry)
    limits = settings.limits
    http = HttpUpstream(
        Timeouts(connect_s=limits.connect_timeout_s, head_s=limits.head_timeout_s, idle_s=limits.idle_timeout_s),
        allow=(allow := build_allow_list(registry.values(), settings.allow_upstreams)),
    )
    upstream = BridgingUpstream(http, bridges_of(registry.values()))
    router = router_of(settings, registry, allow, keys)
    model = _extractor_model(settings, router, upstream)
    extraction = _extraction(settings, store, knowledge, model)
    deadlines = Deadlines(settings.recall.deadline_low_latency_ms, settings.recall.deadline_balanced_ms)
    defaults = Controls(
        mode=settings.mode, strategy=settings.recall.strategy, session_timeout_s=settings.recall.session_timeout_s
    )
    authenticator = Authenticator(store.keys, settings.mode)
    resolver = Resolver(store.vaults, store.sessions)
    knowing = KnowingRecaller(engine, knowledge, store.messages) if settings.recall.knowledge else None
    recaller = AgenticRecaller(
        knowing or engine, knowledge, store.sessions, store.messages, model, settings.recall.deadline_balanced_ms
    )
    recall = RecallStage(
        recaller, store.injections, store.messages, deadlines, settings.recall.max_tokens, profiles=knowing
    )
    rememberer = Rememberer(worker, store.traces)
    injector = Injector()
    stages = Stages(
        authenticate=authenticator,
        resolve=resolver,
        recall=recall,
        inject=injector,
        forward=Forwarder(router, sender_of(settings, router, upstream), RecallModel(clock=now), upstream),
        capture=Capturer(store, spool, now),
        remember=rememberer,
    )
    catalogue = ModelCatalogue(registry, keys, settings.default_provider, upstream, tuple(settings.routes))
    return Gateway(
        settings=settings,
        store=store,
        spool=spool,
        engine=engine,
        worker=worker,
        extraction=extraction,
        knowledge=knowledge,
        editor=MemoryEditor(store, knowledge, now, worker.notify, extraction.notify),
        embedder=embedder,
        embedder_problem=problem,
        upstream=http,
        pipeline=Pipeline(
            stages,
            catalogue,
            PipelineSettings(defaults, limits.max_body_bytes, now, context_window, tracer=telemetry),
            _accountant(settings, registry),
        ),
        telemetry=telemetry,
        calls=MemoryCalls(store, recaller, worker, resolver, recall, injector, rememberer, now),
        authenticator=authenticator,
        defaults=defaults,
        router=router,
    )


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway for work on its parts, closed at the end. Its background worker runs only once it is started."""
    gateway = await open_gateway(settings)
    try:
        yield gateway
    finally:
        await gateway.close()


def build_app(settings: Settings) -> GatewayApp:
    """The ASGI application; its lifespan opens and closes the gateway."""
    return GatewayApp(settings, open_gateway)


def worker_app() -> GatewayApp:
    """The ASGI application of one server process, with the settings that its parent handed down."""
    return build_app(settings_of_worker())


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def _open_store(settings: Settings) -> Store:
    if settings.store.kind == "memory":
        return in_memory_store()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open_sqlite_store(settings.database_path)


def _accountant(settings: Settings, registry: dict[str, Provider]) -> Accountant:
    prices = {name: one.model_dump(exclude_none=True) for name, one in settings.prices.items()}
    return Accountant(
        PriceBook(parse_prices(prices)),
        registry,
        ProviderHosts(registry.values()).provider_at,
        settings.cost.asks_for_usage,
    )


def _extraction(
    settings: Settings, store: Store, knowledge: Knowledge, model: ProviderChatModel | None
) -> ExtractionWorker:
    """The worker that reads sessions: the rules first, which are quick, then the model, where there is one."""
    chosen = ExtractionSettings(quiet_s=settings.recall.session_timeout_s)
    extractors: list[Extractor] = [RuleExtractor()]
    if model is not None:
        wanted = settings.extractor
        folder = settings.data_dir / "extractor" if settings.store.kind == "sqlite" else None
        asker = Asker(
            model, DailyTokens(folder, wanted.daily_tokens, now), Pace(wanted.calls_per_minute), wanted.timeout_s
        )
        extractors.append(LlmExtractor(asker, Wishes(wanted.instructions, wanted.categories)))
        window_s = max(chosen.window_s, MOST_CALLS * wanted.timeout_s + chosen.stop_s)
        chosen = replace(chosen, window_s=window_s, lease_s=2 * window_s + 2 * chosen.round_s + chosen.window_s)
    extraction = ExtractionWorker(store, extractors, settings=chosen)
    extraction.on_extracted = knowledge.refresh
    return extraction


def _extractor_model(settings: Settings, router: ProviderRouter, upstream: Upstream) -> ProviderChatModel | None:
    """The model that extracts: at its own endpoint, or one of a provider's."""
    wanted = settings.extractor
    if wanted.model is None:
        return None
    if wanted.base_url is not None:
        bearer = ((b"authorization", f"Bearer {wanted.api_key}".encode()),) if wanted.api_key else ()
        url = f"{wanted.base_url}/chat/completions"
        return ProviderChatModel(upstream, Route(provider=None, url=url, model=None, credentials=bearer), wanted.model)
    try:
        route = resolve_router_style(
            router.registry,
            path="chat/completions",
            model=wanted.model,
            default_provider=router.default_provider,
            provider_key=wanted.api_key,
            environment_keys=router.environment_keys,
        )
    except RequestError as error:
        message = f"extractor.model: {error.message} Or set `extractor.base_url`."
        raise SettingsError(message) from error
    return ProviderChatModel(upstream, route, route.model or wanted.model)


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
