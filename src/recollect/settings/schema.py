"""Every setting, with its default, its bounds and what it is for."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from recollect.domain.chat import estimate_tokens
from recollect.domain.keys import MemoryMode
from recollect.domain.memories import ConflictPolicy
from recollect.domain.recall import Strategy
from recollect.providers.fallbacks import FALLBACK_STATUSES
from recollect.settings.section import Section
from recollect.settings.spending import BudgetSettings, CostSettings, PriceSettings

MIB = 1024 * 1024
MOST_INSTRUCTION_TOKENS = 80
MOST_CATEGORY_TOKENS = 70
"""Both by the estimate of `estimate_tokens`: the extractor's prompt is bounded."""


class ProviderSettings(Section):
    """One provider: what is left out stays as the built-in registry has it."""

    base_url: str | None = Field(default=None, description="URL that paths like `/chat/completions` are appended to")
    base_urls: tuple[str, ...] | None = Field(
        default=None, description="several of them: requests are spread over them, and none of them is insisted on"
    )
    api_key: str | None = Field(default=None, repr=False, description="the provider key; better as `${NAME}`")
    api_keys: dict[str, str] | None = Field(
        default=None, repr=False, description="several of them, as a list or by name: requests are spread over them"
    )
    key_header: str | None = Field(default=None, description="header that carries the key")
    key_prefix: str | None = Field(
        default=None, description='what stands before the key in that header, as `"Bearer "`'
    )
    api_version: str | None = Field(default=None, description="Azure's `api-version`")
    path_style: Literal["openai", "azure", "anthropic"] | None = Field(
        default=None, description="`azure` puts deployments into the path; `anthropic` is Anthropic's Messages API"
    )
    needs_key: bool | None = Field(
        default=None, description="`false` for servers that ask for none, which those on this machine are taken to be"
    )
    dialects: tuple[str, ...] | None = Field(default=None, description="paths it serves, as `chat/completions`")
    has_stream_usage: bool | None = Field(default=None, description="it understands `stream_options.include_usage`")

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        return value if value is None else checked_url(value)

    @field_validator("base_urls")
    @classmethod
    def _check_base_urls(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return value if value is None else tuple(checked_url(one) for one in value)

    @field_validator("api_keys", mode="before")
    @classmethod
    def _number_keys(cls, value: object) -> object:
        """The keys of a list are named by their places, from 1."""
        return {str(place): key for place, key in enumerate(value, 1)} if isinstance(value, (list, tuple)) else value


class RetrySettings(Section):
    """What is tried again, before the first byte of a reply, and when the next one of a route is tried."""

    tries: int = Field(default=3, ge=1, le=20, description="how often a request is sent at most; 1: never again")
    base_s: float = Field(default=0.5, ge=0, description="longest pause before the second try; it doubles each time")
    cap_s: float = Field(default=8.0, ge=0, description="longest pause before any try")
    longest_retry_after_s: float = Field(
        default=10.0, ge=0, description="longest `Retry-After` that is waited for; a longer one is the client's"
    )
    deadline_s: float = Field(default=60.0, ge=0, description="no try begins later than this after the first one")
    fallback_statuses: tuple[int, ...] = Field(
        default=tuple(sorted(FALLBACK_STATUSES)),
        description="replies after which the next model of a route is tried, besides those that are tried again",
    )
    cooldown_failures: int = Field(
        default=3, ge=1, description="failures in a row after which one of several models rests"
    )
    cooldown_s: float = Field(default=5.0, ge=0, description="how long it rests at first; it doubles each time")
    cooldown_cap_s: float = Field(default=60.0, ge=0, description="how long it rests at most")


class LimitSettings(Section):
    """Bounds on what one request may take."""

    max_body_bytes: int = Field(default=32 * MIB, ge=1024, description="largest request body, also after decompression")
    max_upload_bytes: int = Field(
        default=1024 * MIB, ge=1024, description="largest body that is passed on without being read, as of a file"
    )
    body_timeout_s: float = Field(
        default=60.0, gt=0, description="longest silence of a client that is sending its body"
    )
    connect_timeout_s: float = Field(default=10.0, gt=0, description="longest wait for a connection to the provider")
    head_timeout_s: float = Field(default=600.0, gt=0, description="longest wait for the head of the provider's reply")
    idle_timeout_s: float = Field(default=600.0, gt=0, description="longest silence inside the provider's reply")
    keep_alive_s: float = Field(default=75.0, gt=0, description="how long an idle client connection is kept open")
    drain_s: float = Field(default=30.0, ge=0, description="how long running requests may go on after SIGTERM")


class RecallSettings(Section):
    """How memories are found."""

    strategy: Strategy = Field(default=Strategy.BALANCED, description="`low_latency`, `balanced` or `agentic`")
    max_tokens: int = Field(default=1200, ge=0, description="size of the memory block where a request names none")
    deadline_low_latency_ms: float = Field(
        default=25.0, gt=0, description="after this the request goes on without memory"
    )
    deadline_balanced_ms: float = Field(default=150.0, gt=0, description="the same for `balanced`")
    knowledge: bool = Field(
        default=True,
        description="recall goes by memories, summaries and kinds of things too; `false`: by passages alone",
    )
    cache_mb: int = Field(default=512, ge=1, description="memory for the indexes of vaults in use")
    session_timeout_s: int = Field(default=600, ge=1, description="a pause this long begins a new session")


class KnowledgeSettings(Section):
    """What is known of people."""

    conflicts: ConflictPolicy = Field(
        default=ConflictPolicy.KEEP_BOTH,
        description="what becomes of two names or birthdays of one person: `keep_both`, `latest_wins` or `ask`",
    )


class ExtractorSettings(Section):
    """The language model that turns messages into memories, beside the rules."""

    model: str | None = Field(
        default=None,
        description="the model that extracts; with `base_url` its name there, else `provider/model`; none: rules alone",
    )
    base_url: str | None = Field(default=None, description="its endpoint: URL up to and including `/v1`")
    api_key: str | None = Field(default=None, repr=False, description="its key; without one, the provider's")
    daily_tokens: int | None = Field(
        default=None, ge=0, description="most tokens on a day (UTC), questions and answers; none: no limit"
    )
    calls_per_minute: int = Field(default=30, ge=4, description="most calls in a minute, for each worker process")
    timeout_s: float = Field(default=45.0, gt=0, le=600, description="longest wait for one answer, its repair included")
    instructions: str = Field(default="", description="what to look for or to leave out beyond the built-in rules")
    categories: tuple[str, ...] = Field(
        default=(), description="names to sort memories by, of which each gets at most one"
    )

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        return value if value is None else checked_url(value)

    @field_validator("instructions")
    @classmethod
    def _check_instructions(cls, value: str) -> str:
        return checked_instructions(value)

    @field_validator("categories")
    @classmethod
    def _check_categories(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checked_categories(value)


class ProjectSettings(Section):
    """What one project asks of the extractor's model; what is left out is as `extractor` says."""

    instructions: str | None = Field(default=None, description="in the place of `extractor.instructions`")
    categories: tuple[str, ...] | None = Field(default=None, description="in the place of `extractor.categories`")

    @field_validator("instructions")
    @classmethod
    def _check_instructions(cls, value: str | None) -> str | None:
        return value if value is None else checked_instructions(value)

    @field_validator("categories")
    @classmethod
    def _check_categories(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return value if value is None else checked_categories(value)


class EmbedderSettings(Section):
    """What turns text into vectors."""

    kind: Literal["minilm", "openai", "none"] = Field(
        default="minilm",
        description="`minilm` (built in), `openai` (any `/v1/embeddings` endpoint) or `none` (lexical only)",
    )
    path: Path | None = Field(default=None, description="folder with `model.safetensors` and `tokenizer.json`")
    cache_dir: Path = Field(description="where a model that was obtained is kept")
    may_download: bool = Field(default=True, description="whether a missing model may be fetched")
    is_quantised: bool = Field(default=True, description="int8 weights: a third of the time, no measured loss")
    base_url: str | None = Field(default=None, description="for `openai`: URL up to and including `/v1`")
    api_key: str | None = Field(default=None, repr=False, description="for `openai`: its key")
    model: str | None = Field(default=None, description="for `openai`: the model's name there")
    dimension: int | None = Field(
        default=None, ge=1, description="for `openai`: length of the vectors, where it can be chosen"
    )

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        return value if value is None else checked_url(value)


class StoreSettings(Section):
    """Where messages live."""

    kind: Literal["sqlite", "memory"] = Field(default="sqlite", description="`memory` forgets when the process ends")
    path: Path | None = Field(
        default=None, description="database file; `recollect.db` in `data_dir` where it is left out"
    )


class TraceSettings(Section):
    """Records of what was recalled and why."""

    retention_days: float = Field(default=30.0, ge=0, description="how long traces are kept")
    keep_bodies: bool = Field(
        default=False, description="whether what was said is kept as well, so that requests can be replayed"
    )


class RequestSettings(Section):
    """The log of requests."""

    retention_days: float = Field(default=14.0, ge=0, description="how long requests are kept; 0 keeps none")


class ResponseCacheSettings(Section):
    """Replies kept for requests that are the same to the last byte."""

    is_on: bool = Field(default=False, description="whether replies are kept, in the memory of each worker process")
    ttl_s: float = Field(default=3600.0, gt=0, description="how long a reply is good")
    max_mb: int = Field(default=64, ge=1, description="how much is kept in all; one reply takes an eighth at most")


class OtelSettings(Section):
    """OpenTelemetry."""

    endpoint: str | None = Field(
        default=None,
        description="collector that takes traces and metrics (OTLP over HTTP); also `OTEL_EXPORTER_OTLP_ENDPOINT`",
    )
    service_name: str = Field(default="recollect", min_length=1, description="`service.name`")
    sample_ratio: float = Field(default=1.0, ge=0, le=1, description="share of the traces that begin here")
    interval_s: float = Field(default=60.0, gt=0, description="how often metrics are sent")

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, value: str | None) -> str | None:
        return value if value is None else checked_url(value)


class CorsSettings(Section):
    """Browsers."""

    origins: tuple[str, ...] = Field(
        default=(), description="pages that may call from a browser, as `https://app.example`"
    )


class Settings(Section):
    """Everything that can be set. Sections are tables in the file and a part of the name in the environment."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen on; 0 picks a free one")
    workers: int = Field(default=1, ge=1, le=256, description="processes that share the port")
    data_dir: Path = Field(description="folder of the database, the spool and other state")
    mode: MemoryMode = Field(
        default=MemoryMode.FULL, description="`full`, `read`, `write`, `off` or `shadow`, unless a key says more"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severe line that is logged"
    )
    log_format: Literal["text", "json"] = Field(default="text", description="`json` writes one JSON object a line")
    has_access_log: bool = Field(default=False, description="one log line for each request")
    tells_broken_streams: bool = Field(
        default=False,
        description="an error event for every stream that breaks, also where its bytes are the provider's",
    )
    default_provider: str = Field(
        default="openai", min_length=1, description="who serves a model without `provider/` before it"
    )
    allow_upstreams: tuple[str, ...] = Field(
        default=(), description="more hosts (`host` or `host:port`) that forward style may reach, private ones included"
    )
    allow_hosts: tuple[str, ...] = Field(
        default=(), description="`Host` names besides loopback's that are answered while no key exists"
    )
    secret_key: tuple[str, ...] = Field(
        default=(),
        repr=False,
        description="32 random bytes that seal projects' provider keys, as `openssl rand -base64 32` prints them; "
        "several: the first seals, all open; none: a file in `data_dir`",
    )
    providers: dict[str, ProviderSettings] = Field(
        default_factory=dict, description="providers to add or change, by name"
    )
    projects: dict[str, ProjectSettings] = Field(
        default_factory=dict, description="what single projects ask of the extractor, by the project's name"
    )
    prices: dict[str, PriceSettings] = Field(
        default_factory=dict, description='prices of models that differ from the list, as `prices."openai/gpt-4o"`'
    )
    cost: CostSettings = Field(default_factory=CostSettings)
    routes: dict[str, Any] = Field(default_factory=dict, description="names that stand for one or several models")
    retries: RetrySettings = Field(default_factory=RetrySettings)
    budgets: BudgetSettings = Field(default_factory=BudgetSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    recall: RecallSettings = Field(default_factory=RecallSettings)
    knowledge: KnowledgeSettings = Field(default_factory=KnowledgeSettings)
    extractor: ExtractorSettings = Field(default_factory=ExtractorSettings)
    embedder: EmbedderSettings
    store: StoreSettings = Field(default_factory=StoreSettings)
    traces: TraceSettings = Field(default_factory=TraceSettings)
    requests: RequestSettings = Field(default_factory=RequestSettings)
    response_cache: ResponseCacheSettings = Field(default_factory=ResponseCacheSettings)
    otel: OtelSettings = Field(default_factory=OtelSettings)
    cors: CorsSettings = Field(default_factory=CorsSettings)

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.store.path or self.data_dir / "recollect.db"

    @property
    def secret_path(self) -> Path:
        """Where the secret that seals provider keys is kept, unless it is set."""
        return self.data_dir / "secret.key"

    @property
    def calibration_path(self) -> Path:
        """Where `recollect eval self --calibrate` keeps the scale of the embedder."""
        return self.data_dir / "calibration.json"

    @property
    def spool_dir(self) -> Path:
        """Where captures wait while the database is away."""
        return self.data_dir / "spool"


def checked_instructions(text: str) -> str:
    """In one line; ValueError where it is too long for the prompt."""
    if estimate_tokens(text) > MOST_INSTRUCTION_TOKENS:
        message = f"must be at most {MOST_INSTRUCTION_TOKENS} tokens, of 3.6 characters each"
        raise ValueError(message)
    return " ".join(text.split())


def checked_categories(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same for names."""
    if not all(one.strip() for one in names) or estimate_tokens(", ".join(names)) > MOST_CATEGORY_TOKENS:
        message = f"must be names of at most {MOST_CATEGORY_TOKENS} tokens together, of 3.6 characters each"
        raise ValueError(message)
    return names


def checked_url(url: str) -> str:
    """An absolute http(s) URL without credentials, its trailing slash removed; ValueError otherwise."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "must be a URL that begins with http:// or https://"
        raise ValueError(message)
    if parts.username is not None or parts.password is not None:
        message = "must not hold a user name or password; put the key into `api_key`"
        raise ValueError(message)
    return url.rstrip("/")
