"""Every header, body field and query parameter that is ours, as data; and what of a header list travels on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Headers = tuple[tuple[bytes, bytes], ...]
"""Header fields in order; names in lower case, repeated fields kept apart."""


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One request control. ``field`` names the ``Controls`` attribute ("" for credentials); of each tuple the first
    that is present counts. ``kept_body`` fields are the provider's too and stay in the body."""

    field: str
    headers: tuple[str, ...]
    body: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    kept_body: tuple[str, ...] = ()
    default: str = ""
    doc: str = ""


CONTROL_TABLE: tuple[ControlRow, ...] = (
    ControlRow("", ("X-Memory-Key", "X-Recallr-API-Key"), doc="The memory key, `mk_…`."),
    ControlRow("", ("X-Provider-Key",), doc="The provider's key, in router style."),
    ControlRow(
        "user",
        ("X-Memory-User", "X-Recallr-User-Id", "X-OpenWebUI-User-Id"),
        body=("user_id",),
        kept_body=("user", "safety_identifier"),
        query=("memory_user",),
        default="the key's own vault",
        doc="Whose memory it is.",
    ),
    ControlRow(
        "project",
        ("X-Memory-Project", "X-Recallr-Project-Id"),
        query=("memory_project",),
        default="the key's",
        doc="The project, which must be the key's.",
    ),
    ControlRow(
        "session",
        ("X-Memory-Session", "X-Recallr-Session-Id", "X-Session-ID", "X-OpenWebUI-Chat-Id"),
        body=("session_id", "run_id"),
        query=("memory_session",),
        default="inferred",
        doc="The session that the messages belong to.",
    ),
    ControlRow(
        "agent_id", ("X-Memory-Agent",), body=("agent_id",), query=("memory_agent",), doc="The agent that is speaking."
    ),
    ControlRow(
        "mode",
        ("X-Memory-Mode",),
        body=("memory_mode",),
        query=("memory", "memory_mode"),
        default="full",
        doc="`full`, `read`, `write`, `off`, `shadow`; `on` is `full`.",
    ),
    ControlRow(
        "store",
        ("X-Memory-Store", "X-Memory-Store-Response"),
        body=("memory_store",),
        query=("memory_store",),
        default="all",
        doc="What is stored: `all`, `input`, `response`, `none`.",
    ),
    ControlRow(
        "strategy",
        ("X-Memory-Strategy", "X-Recallr-Recall-Strategy"),
        query=("memory_strategy",),
        default="balanced",
        doc="`low_latency`, `balanced`, `agentic`.",
    ),
    ControlRow(
        "max_tokens",
        ("X-Memory-Max-Tokens",),
        body=("memory_max_tokens",),
        query=("memory_max_tokens",),
        default="min(1200, 8 % of the model's window)",
        doc="The token budget of the memory block.",
    ),
    ControlRow(
        "min_top_k",
        ("X-Memory-Min-Top-K", "X-Recallr-Min-Top-K"),
        query=("memory_min_top_k",),
        default="0",
        doc="Recall at least so many, relevant or not.",
    ),
    ControlRow(
        "max_top_k",
        ("X-Memory-Max-Top-K", "X-Recallr-Max-Top-K", "X-Memory-Context-Limit"),
        body=("limit",),
        query=("memory_max_top_k",),
        default="50",
        doc="Recall at most so many.",
    ),
    ControlRow(
        "threshold",
        ("X-Memory-Threshold", "X-Recallr-Memories-Threshold"),
        query=("memory_threshold",),
        default="calibrated per embedder",
        doc="The gate, 0 to 1, higher is stricter.",
    ),
    ControlRow(
        "summaries_threshold",
        ("X-Memory-Summaries-Threshold", "X-Recallr-Summaries-Threshold"),
        query=("memory_summaries_threshold",),
        default="none",
        doc="Also summaries of sessions with a passage of this score, 0 to 1.",
    ),
    ControlRow(
        "last_n_messages",
        ("X-Memory-Last-N-Messages", "X-Recallr-Last-N-User-Messages"),
        query=("memory_last_n_messages",),
        default="0",
        doc="Also the newest messages of earlier sessions.",
    ),
    ControlRow(
        "last_n_summaries",
        ("X-Memory-Last-N-Summaries", "X-Recallr-Last-N-Summaries"),
        query=("memory_last_n_summaries",),
        default="0",
        doc="Also the newest session summaries.",
    ),
    ControlRow(
        "timezone",
        ("X-Memory-Timezone", "X-Recallr-Timezone"),
        query=("memory_timezone",),
        default="UTC",
        doc="The IANA time zone in which days are told.",
    ),
    ControlRow(
        "has_instructions",
        ("X-Memory-Instructions", "X-Recallr-Include-System-Prompt"),
        query=("memory_instructions",),
        default="true",
        doc="Whether the block says what it is.",
    ),
    ControlRow(
        "may_create_user",
        ("X-Memory-Create-User", "X-Recallr-Allow-New-User-Creation"),
        query=("memory_create_user",),
        default="true (`X-Recallr-*`: false)",
        doc="Whether an unknown user gets a vault.",
    ),
    ControlRow(
        "session_timeout_s",
        ("X-Memory-Session-Timeout", "X-Recallr-Session-Timeout-Seconds"),
        query=("memory_session_timeout",),
        default="600",
        doc="Seconds of inactivity that end a session (`X-Recallr-*`: at least 600).",
    ),
    ControlRow(
        "as_of",
        ("X-Memory-As-Of",),
        body=("as_of",),
        query=("memory_as_of",),
        default="now",
        doc="Recall as if it were then (RFC 3339).",
    ),
    ControlRow(
        "metadata",
        ("X-Memory-Metadata",),
        body=("memory_metadata",),
        kept_body=("metadata",),
        doc="A JSON object, stored with the messages.",
    ),
    ControlRow("filters", (), body=("filters",), doc="A JSON object: recall only messages with this metadata."),
    ControlRow(
        "is_verbose",
        ("X-Memory-Verbose",),
        query=("memory_verbose",),
        default="false",
        doc="Adds `metadata.memories` to a JSON reply.",
    ),
)

OWN_BODY_FIELDS = frozenset(name for row in CONTROL_TABLE for name in row.body)
"""Top-level body fields that are ours alone: cut before forwarding."""
OWN_QUERY_NAMES = frozenset(name for row in CONTROL_TABLE for name in row.query)

USER_HEADER = "X-Memory-User"
SESSION_HEADER = "X-Memory-Session"
REQUEST_ID_HEADER = "X-Memory-Request-Id"
STATUS_HEADER = "X-Memory-Status"
COUNT_HEADER = "X-Memory-Count"
TOKENS_HEADER = "X-Memory-Tokens"
MS_HEADER = "X-Memory-Ms"
STORED_HEADER = "X-Memory-Stored"
STRATEGY_HEADER = "X-Memory-Strategy"
CACHE_HEADER = "X-Memory-Cache"
UPSTREAM_HEADER = "X-Memory-Upstream"
RESPONSE_HEADERS: Mapping[str, str] = {
    REQUEST_ID_HEADER: "Names the exchange; its trace is at `/v1/memory/traces/{id}`.",
    STATUS_HEADER: "`injected`, `empty`, `off`, `shadow`, `timeout`, `error`.",
    USER_HEADER: "The user whose memory was used.",
    SESSION_HEADER: "The session that the messages were put into.",
    COUNT_HEADER: "How many passages were recalled.",
    TOKENS_HEADER: "The tokens of the injected block.",
    MS_HEADER: "Milliseconds that memory took before forwarding.",
    STORED_HEADER: "`yes`, `spooled`, `no`.",
    STRATEGY_HEADER: "Where `agentic` was asked for: `agentic`, or `balanced` where that answered in its place.",
    CACHE_HEADER: "Where the response cache is on: `hit`, or `miss` where the provider was asked.",
    UPSTREAM_HEADER: "What was tried, in order, and what came of it; the last one answered.",
}
RECALLR_RESPONSE_HEADERS: Mapping[str, str] = {
    "X-Recallr-Session-Id": SESSION_HEADER,
    "X-Recallr-User-Id": USER_HEADER,
    "X-Recallr-Request-Id": REQUEST_ID_HEADER,
    "X-Recallr-Process-Time": MS_HEADER,
}
"""How a request in ``X-Recallr-*`` spellings is answered, and the header that each one repeats."""
_REQUEST_ID, _STATUS, _USER, _SESSION = (
    name.lower().encode() for name in (REQUEST_ID_HEADER, STATUS_HEADER, USER_HEADER, SESSION_HEADER)
)
_COUNT, _TOKENS, _MS = (name.lower().encode() for name in (COUNT_HEADER, TOKENS_HEADER, MS_HEADER))
_STORED, _STRATEGY, _UPSTREAM = (name.lower().encode() for name in (STORED_HEADER, STRATEGY_HEADER, UPSTREAM_HEADER))
_REPEATED = [(name.lower().encode(), source.lower().encode()) for name, source in RECALLR_RESPONSE_HEADERS.items()]

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_NOT_FORWARDED = _HOP_BY_HOP | {b"host", b"content-length", b"expect"}
CACHED_NAMES = 2048
_OWN_PREFIXES = (b"x-memory-", b"x-recallr-")
_OWN_NAMES = frozenset({b"x-provider-key", b"x-session-id"})
_KEY_HEADERS = frozenset({b"x-api-key", b"api-key", b"authorization"})
_MEMORY_KEY_VALUES = (b"mk_", b"bearer mk_")


def is_own_header(name: bytes | str) -> bool:
    """A header that speaks to the gateway alone. Open WebUI's are read, but are not ours."""
    lowered = (name.encode("latin-1", "replace") if isinstance(name, str) else name).lower()
    return lowered.startswith(_OWN_PREFIXES) or lowered in _OWN_NAMES


class _Fate(Enum):
    """What becomes of a header field that passes through."""

    PASSES = auto()
    STAYS = auto()
    IS_CONNECTION = auto()
    MAY_BE_KEY = auto()


@lru_cache(maxsize=CACHED_NAMES)
def _request_fate(name: bytes) -> tuple[bytes, _Fate]:
    """The name in lower case, and what becomes of such a field of a request."""
    lowered = name.lower()
    if lowered == b"connection":
        return lowered, _Fate.IS_CONNECTION
    if lowered in _NOT_FORWARDED or is_own_header(lowered):
        return lowered, _Fate.STAYS
    return lowered, _Fate.MAY_BE_KEY if lowered in _KEY_HEADERS else _Fate.PASSES


@lru_cache(maxsize=CACHED_NAMES)
def _response_fate(name: bytes) -> tuple[bytes, _Fate]:
    """The same for a reply."""
    lowered = name.lower()
    if lowered == b"connection":
        return lowered, _Fate.IS_CONNECTION
    return lowered, _Fate.STAYS if lowered in _HOP_BY_HOP else _Fate.PASSES


def strip_request_headers(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """What travels on to the provider: not hop-by-hop fields and those that ``Connection`` names, not ours, no ``host``
    and ``content-length`` (the sender's own), and no memory key, wherever it stands. ``authorization`` with
    anything but a memory key stays: whether it is the provider's is the caller's to decide."""
    return _passing(headers, _request_fate)


def header_of(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    """The first field of that (lower-case) name, or ""."""
    for field, value in headers:
        if field == name:
            return value.decode("latin-1")
    return ""


def strip_response_headers(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """What travels back to the client: everything but hop-by-hop fields and those that ``Connection`` names."""
    return _passing(headers, _response_fate)


def _passing(headers: Sequence[tuple[bytes, bytes]], fate_of: Callable[[bytes], tuple[bytes, _Fate]]) -> Headers:
    kept: list[tuple[bytes, bytes]] = []
    named: set[bytes] = set()
    for name, value in headers:
        lowered, fate = fate_of(name)
        if fate is _Fate.PASSES or (fate is _Fate.MAY_BE_KEY and not _is_memory_key(value)):
            kept.append((lowered, value))
        elif fate is _Fate.IS_CONNECTION:
            named.update(token.strip().lower() for token in value.split(b","))
    return tuple(field for field in kept if field[0] not in named) if named else tuple(kept)


def _is_memory_key(value: bytes) -> bool:
    return value.strip().lower().startswith(_MEMORY_KEY_VALUES)


def strip_query(query: str) -> str:
    """A raw query string without our own parameters, the rest as it was written."""
    if "memory" not in query:
        return query
    return "&".join(pair for pair in query.split("&") if pair.partition("=")[0] not in OWN_QUERY_NAMES)


def header_value(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The first value of a header (``name`` in lower case), in UTF-8 or else Latin-1; None where it is absent."""
    return next((decode_header(value) for found, value in headers if found.lower() == name), None)


def is_event_stream(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a reply is a stream of events, by its content type."""
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    return kind.lower().startswith(b"text/event-stream")


def decode_header(value: bytes) -> str:
    """A header's value as text."""
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()


class MemoryReport(NamedTuple):
    """What the response headers tell about one exchange; what is None is left out."""

    request_id: str
    status: str
    user: str | None = None
    session: str | None = None
    shown: int = 0
    tokens: int = 0
    took_ms: float = 0.0
    stored: str | None = None
    strategy: str | None = None
    upstream: str | None = None


def response_headers(report: MemoryReport, *, speaks_recallr: bool = False) -> Headers:
    """The ``X-Memory-*`` headers, and the ``X-Recallr-*`` ones where the request spoke so. Values are ASCII: anything
    else is percent-encoded."""
    found = [(_REQUEST_ID, report.request_id.encode()), (_STATUS, report.status.encode())]
    if report.user is not None:
        found.append((_USER, header_safe(report.user)))
    if report.session is not None:
        found.append((_SESSION, header_safe(report.session)))
    found += ((_COUNT, b"%d" % report.shown), (_TOKENS, b"%d" % report.tokens), (_MS, b"%.1f" % report.took_ms))
    if report.stored is not None:
        found.append((_STORED, report.stored.encode()))
    if report.strategy is not None:
        found.append((_STRATEGY, report.strategy.encode()))
    if report.upstream is not None:
        found.append((_UPSTREAM, header_safe(report.upstream)))
    if speaks_recallr:
        values = dict(found)
        repeated = ((name, values.get(source)) for name, source in _REPEATED)
        found += [(name, value) for name, value in repeated if value is not None]
    return tuple(found)


def header_safe(value: str) -> bytes:
    """A value as ASCII: anything that may not stand in a header is percent-encoded."""
    if value.isascii() and value.isprintable():
        return value.encode()
    return quote(value, safe=" !\"#$&'()*+,/:;<=>?@[]^`{|}~", errors="replace").encode()
