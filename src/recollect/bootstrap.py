"""The composition root: the only module that names concrete backends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from recollect.accounting.budgets import BudgetRules
from recollect.domain.budgets import parse_limits
from recollect.domain.controls import Controls
from recollect.domain.ids import ProjectId
from recollect.errors import RequestError, SettingsError, StoreUnavailableError
from recollect.exchange.account import Accountant, Budgets
from recollect.exchange.authenticate import Authenticator
from recollect.exchange.capture import Capturer
from recollect.exchange.credentials import Credentials
from recollect.exchange.forward import Forwarder
from recollect.exchange.inject import Injector
from recollect.exchange.ledger import LedgerKeeper
from recollect.exchange.memory_calls import MemoryCalls
from recollect.exchange.pipeline import Pipeline, PipelineSettings, Stages
from recollect.exchange.recall import Deadlines, RecallStage
from recollect.exchange.remember import Rememberer
from recollect.exchange.replay import Replayer
from recollect.extractors.llm import MOST_CALLS, Asker, DailyTokens, LlmExtractor, Pace, Wishes
from recollect.extractors.rules import RuleExtractor
from recollect.ground import lay_ground
from recollect.providers.allow_list import build_allow_list
from recollect.providers.base import Route
from recollect.providers.bridging import BridgingUpstream, bridges_of
from recollect.providers.chat_model import ProviderChatModel
from recollect.providers.hosts import ProviderHosts
from recollect.providers.http_upstream import HttpUpstream, Timeouts
from recollect.providers.models import ModelCatalogue
from recollect.providers.pricing import PriceBook, load_price_list, parse_prices
from recollect.providers.recall_model import RecallModel
from recollect.providers.registry import context_window
from recollect.providers.routing import resolve_router_style
from recollect.recall.agentic import AgenticRecaller
from recollect.recall.knowing import KnowingRecaller
from recollect.remembering.editing import MemoryEditor
from recollect.remembering.knowledge import Knowledge
from recollect.server.app import GatewayApp
from recollect.server.ports import Readiness
from recollect.settings import handed_to_worker
from recollect.telemetry.opening import open_telemetry
from recollect.upstreams import open_safe, provider_keys, registry_of, router_of, sender_of
from recollect.worker import ExtractionSettings, ExtractionWorker, RequestLog, Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recollect.accounting.book import UsageBook
    from recollect.embedders.base import Embedder
    from recollect.extractors.base import Extractor
    from recollect.ground import Ground
    from recollect.providers.base import Provider, Upstream
    from recollect.providers.router import ProviderRouter
    from recollect.recall.engine import RecallEngine
    from recollect.settings import Settings
    from recollect.settings.schema import ExtractorSettings, ProjectSettings
    from recollect.stores.base import Store
    from recollect.stores.spool import Spool
    from recollect.telemetry.otlp import Telemetry


@dataclass(frozen=True, slots=True)
class Gateway:
    """One running gateway: every part within reach of whoever serves it or works on it directly."""

    settings: Settings
    ground: Ground
    extraction: ExtractionWorker
    knowledge: Knowledge
    editor: MemoryEditor
    upstream: HttpUpstream
    pipeline: Pipeline
    replayer: Replayer
    calls: MemoryCalls
    authenticator: Authenticator
    defaults: Controls
    router: ProviderRouter
    credentials: Credentials
    telemetry: Telemetry | None = None
    request_log: RequestLog | None = None

    @property
    def store(self) -> Store:
        """The database."""
        return self.ground.store

    @property
    def book(self) -> UsageBook:
        """What exchanges took, on its way into the store."""
        return self.ground.book

    @property
    def spool(self) -> Spool:
        """What could not be stored yet."""
        return self.ground.spool

    @property
    def engine(self) -> RecallEngine:
        """The indexes held in memory."""
        return self.ground.engine

    @property
    def worker(self) -> Worker:
        """What embeds, in the background."""
        return self.ground.worker

    @property
    def embedder(self) -> Embedder | None:
        """What turns text into vectors; None where recall is lexical only."""
        return self.ground.embedder

    @property
    def embedder_problem(self) -> str | None:
        """Why there is no embedder."""
        return self.ground.embedder_problem

    async def start(self) -> None:
        """Read what requests would wait for, and begin background work, in the running event loop."""
        await asyncio.to_thread(load_price_list)
        self.worker.start()
        self.extraction.start()
        self.ground.warming.start()

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
            resting=self.router.resting(),
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

    async def retire(self, is_idle: asyncio.Event) -> None:
        """Give way to a gateway on the same ground: once nobody is served any more, release what is not shared."""
        await self.extraction.stop()
        await is_idle.wait()
        await self.pipeline.drain()
        if self.request_log is not None:
            await self.request_log.stop()
        await self.upstream.close()
        if self.telemetry is not None:
            await self.telemetry.close()

    async def settle(self) -> None:
        """Write what waits in this process's memory, so that it can be read."""
        await self.pipeline.settle()
        if self.request_log is not None:
            await self.request_log.flush()

    async def close(self) -> None:
        """Finish what was accepted, then release everything."""
        await self.pipeline.drain()
        if self.request_log is not None:
            await self.request_log.stop()
        await self.book.close()
        await self.worker.stop()
        await self.extraction.stop()
        await self.ground.warming.stop()
        await self.upstream.close()
        if self.telemetry is not None:
            await self.telemetry.close()
        if self.embedder is not None:
            await self.embedder.close()
        await self.store.control.close()


async def open_gateway(settings: Settings, before: Gateway | None = None) -> Gateway:
    """Build a gateway from its settings. Nothing runs in the background before :meth:`Gateway.start`.

    One that takes over from another (``before``) stands on its ground, whatever the settings say of that.
    """
    telemetry = open_telemetry(settings)
    ground = await lay_ground(settings) if before is None else before.ground
    store, engine, worker, resolver = ground.store, ground.engine, ground.worker, ground.resolver
    request_log = RequestLog(store.requests) if settings.requests.retention_days else None
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
    credentials = Credentials(store.credentials, registry, partial(open_safe, settings))
    model = _extractor_model(settings, router, upstream)
    extraction = _extraction(settings, store, knowledge, model)
    deadlines = Deadlines(settings.recall.deadline_low_latency_ms, settings.recall.deadline_balanced_ms)
    defaults = Controls(
        mode=settings.mode, strategy=settings.recall.strategy, session_timeout_s=settings.recall.session_timeout_s
    )
    authenticator = Authenticator(store.keys, settings.mode)
    knowing = KnowingRecaller(engine, knowledge, store.messages) if settings.recall.knowledge else None
    recaller = AgenticRecaller(
        knowing or engine, knowledge, store.sessions, store.messages, model, settings.recall.deadline_balanced_ms
    )
    recall = RecallStage(
        recaller, store.injections, store.messages, deadlines, settings.recall.max_tokens, profiles=knowing
    )
    accountant = _accountant(settings, registry, ground)
    ledger = LedgerKeeper(accountant.prices, ground.book, store.messages)
    rememberer = Rememberer(worker, store.traces, store.vaults, ledger)
    injector = Injector()
    stages = Stages(
        authenticate=authenticator,
        resolve=resolver,
        recall=recall,
        inject=injector,
        forward=Forwarder(router, sender_of(settings, router, upstream), RecallModel(clock=now), upstream, credentials),
        capture=Capturer(store, ground.spool, now),
        remember=rememberer,
    )
    catalogue = ModelCatalogue(registry, keys, settings.default_provider, upstream, tuple(settings.routes))
    pipeline_settings = PipelineSettings(
        defaults,
        limits.max_body_bytes,
        now,
        context_window,
        watchers=() if request_log is None else (request_log,),
        tracer=telemetry,
        keeper=request_log if settings.traces.keep_bodies else None,
        tells_breaks=settings.tells_broken_streams,
    )
    return Gateway(
        settings=settings,
        ground=ground,
        extraction=extraction,
        knowledge=knowledge,
        editor=MemoryEditor(store, knowledge, now, worker.notify, extraction.notify),
        upstream=http,
        pipeline=Pipeline(stages, catalogue, pipeline_settings, accountant),
        replayer=Replayer(stages, pipeline_settings, store.messages, accountant),
        telemetry=telemetry,
        request_log=request_log,
        calls=MemoryCalls(store, recaller, worker, resolver, recall, injector, rememberer, now),
        authenticator=authenticator,
        defaults=defaults,
        router=router,
        credentials=credentials,
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
    """The ASGI application of one server process, with the settings that its parent handed down.

    It reads them again on SIGHUP, where it was told where they are.
    """
    handed = handed_to_worker()
    reread = None if handed.given is None else handed.given.load
    return GatewayApp(handed.settings, open_gateway, reread=reread)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def _accountant(settings: Settings, registry: dict[str, Provider], ground: Ground) -> Accountant:
    given = {name: one.model_dump(exclude_none=True) for name, one in settings.prices.items()}
    budgets = settings.budgets
    rules = BudgetRules(
        project=parse_limits(budgets.project),
        key=parse_limits(budgets.key),
        user=parse_limits(budgets.user),
        model=parse_limits(budgets.model),
        projects={name: parse_limits(texts) for name, texts in budgets.projects.items()},
        users={name: parse_limits(texts) for name, texts in budgets.users.items()},
        models={name: parse_limits(texts) for name, texts in budgets.models.items()},
    )
    return Accountant(
        PriceBook(parse_prices(given)),
        registry,
        ProviderHosts(registry.values()).provider_at,
        ground.book,
        Budgets(ground.store.usage, rules, budgets.reserved_output_tokens),
        settings.cost.asks_for_usage,
    )


def _extraction(
    settings: Settings, store: Store, knowledge: Knowledge, model: ProviderChatModel | None
) -> ExtractionWorker:
    """The worker that reads sessions: the rules first, which are quick, then the model, where there is one."""
    chosen = ExtractionSettings(quiet_s=settings.recall.session_timeout_s)
    extractors: list[Extractor] = [RuleExtractor()]
    own: dict[ProjectId, list[Extractor]] = {}
    if model is not None:
        wanted = settings.extractor
        folder = settings.data_dir / "extractor" if settings.store.kind == "sqlite" else None
        asker = Asker(
            model, DailyTokens(folder, wanted.daily_tokens, now), Pace(wanted.calls_per_minute), wanted.timeout_s
        )
        own = {
            ProjectId(name): [*extractors, LlmExtractor(asker, _wishes(wanted, one), name=f"llm:{name}")]
            for name, one in settings.projects.items()
        }
        extractors.append(LlmExtractor(asker, Wishes(wanted.instructions, wanted.categories)))
        window_s = max(chosen.window_s, MOST_CALLS * wanted.timeout_s + chosen.stop_s)
        chosen = replace(chosen, window_s=window_s, lease_s=2 * window_s + 2 * chosen.round_s + chosen.window_s)
    extraction = ExtractionWorker(store, extractors, own=own, settings=chosen)
    extraction.on_extracted = knowledge.refresh
    return extraction


def _wishes(everybody: ExtractorSettings, project: ProjectSettings) -> Wishes:
    """What one project asks of the extractor; what it leaves out is as for everybody."""
    instructions, categories = project.instructions, project.categories
    return Wishes(
        everybody.instructions if instructions is None else instructions,
        everybody.categories if categories is None else categories,
    )


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
