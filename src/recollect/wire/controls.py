"""What a request asks of memory: body before header before query before key suffix before key before defaults."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from recollect.domain.controls import Controls, StoreScope
from recollect.domain.keys import MemoryMode
from recollect.domain.recall import Strategy
from recollect.errors import InvalidRequestError
from recollect.wire.headers import CACHED_NAMES, CONTROL_TABLE, ControlRow, decode_header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recollect.wire.headers import Headers
    from recollect.wire.json_document import JsonDocument

MAX_NAME_CHARS = 512
MIN_RECALLR_TIMEOUT_S = 600
_MAX_NUMBER = 10_000_000
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_RECALLR_PREFIX = b"x-recallr-"
_STORE_RESPONSE = "X-Memory-Store-Response"

_ROWS: Final = tuple(row for row in CONTROL_TABLE if row.field)
_HEADER_FIELDS: Final = {header.lower().encode(): header for row in _ROWS for header in row.headers}
_MAPPINGS: Final = frozenset({"metadata", "filters"})
"""What is kept as it was given."""
_FIELD_OF_NAME: Final = {
    name: row.field for row in _ROWS for name in (*row.headers, *row.body, *row.kept_body, *row.query)
}


class _Given:
    """One value as the client gave it, and the name under which it did."""

    __slots__ = ("param", "value")

    def __init__(self, param: str, value: object) -> None:
        self.param = param
        self.value = value

    def refuse(self, *, code: str, expected: str) -> InvalidRequestError:
        return InvalidRequestError(f"{self.param} must be {expected}.", code=code, param=self.param)

    def text(self, code: str, expected: str) -> str:
        if not isinstance(self.value, str):
            raise self.refuse(code=code, expected=expected)
        return self.value.strip()


def read_controls(
    headers: Headers,
    query: Mapping[str, str],
    body: JsonDocument | None,
    *,
    suffix_mode: MemoryMode | None,
    key_mode: MemoryMode,
    defaults: Controls,
) -> Controls:
    """The controls of one request. InvalidRequestError names the header or field in ``param``.

    Within one source the canonical spelling beats an alias, in the order of ``CONTROL_TABLE``.
    """
    seen, speaks_recallr = _own_headers(headers)
    values = {} if body is None else body.values
    changes: dict[str, object] = {}
    if (mode := suffix_mode or key_mode) is not defaults.mode:
        changes["mode"] = mode
    if speaks_recallr:
        changes |= {"speaks_recallr": True, "may_create_user": False}
    touched = {_FIELD_OF_NAME[name] for name in (*seen, *query, *values) if name in _FIELD_OF_NAME}
    if body is not None and not _MAPPINGS.isdisjoint(touched):
        values = body.exact_values
    for row in _ROWS if touched else ():
        given = _find(row, seen, query, values) if row.field in touched else None
        if given is not None:
            changes[row.field] = _PARSERS[row.field](given)
    if not changes:
        return defaults
    _merge_metadata(changes, values)
    _check_top_k(changes, defaults)
    timeout_s = changes.get("session_timeout_s")
    if speaks_recallr and isinstance(timeout_s, int) and timeout_s < MIN_RECALLR_TIMEOUT_S:
        given = _Given("X-Recallr-Session-Timeout-Seconds", timeout_s)
        raise given.refuse(code="invalid_session_timeout", expected=f"at least {MIN_RECALLR_TIMEOUT_S}")
    return replace(defaults, **changes)  # type: ignore[arg-type]


def speaks_of_memory(body: JsonDocument) -> bool:
    """Whether a body has any member that :func:`read_controls` looks at."""
    return not _FIELD_OF_NAME.keys().isdisjoint(body.values)


def _own_headers(headers: Headers) -> tuple[dict[str, str], bool]:
    seen: dict[str, str] = {}
    speaks_recallr = False
    for name, value in headers:
        is_recallr, canonical = _spelling(name)
        speaks_recallr = speaks_recallr or is_recallr
        if canonical is not None:
            seen.setdefault(canonical, decode_header(value))
    return seen, speaks_recallr


@lru_cache(maxsize=CACHED_NAMES)
def _spelling(name: bytes) -> tuple[bool, str | None]:
    """Whether a header is one of Recallr's, and which control it is, if it is one."""
    lowered = name.lower()
    return lowered.startswith(_RECALLR_PREFIX), _HEADER_FIELDS.get(lowered)


def _find(
    row: ControlRow, seen: Mapping[str, str], query: Mapping[str, str], body: Mapping[str, object]
) -> _Given | None:
    for name in (*row.body, *row.kept_body) if body else ():
        value = body.get(name)
        if value is not None and value != "":
            return _Given(name, value)
    for name in row.headers if seen else ():
        if seen.get(name):
            return _Given(name, seen[name])
    for name in row.query if query else ():
        if query.get(name):
            return _Given(name, query[name])
    return None


def _merge_metadata(changes: dict[str, object], body: Mapping[str, object]) -> None:
    """``memory_metadata`` is laid over the provider's own ``metadata``."""
    own, shared = changes.get("metadata"), body.get("metadata")
    if isinstance(own, dict) and isinstance(shared, dict) and own is not shared:
        changes["metadata"] = {**shared, **own}


def _check_top_k(changes: dict[str, object], defaults: Controls) -> None:
    low, high = changes.get("min_top_k"), changes.get("max_top_k")
    if not isinstance(low, int):
        if isinstance(high, int):
            changes["min_top_k"] = min(defaults.min_top_k, high)
        return
    if not isinstance(high, int):
        changes["max_top_k"] = max(low, defaults.max_top_k)
    elif low > high:
        raise _Given("X-Memory-Min-Top-K", low).refuse(code="invalid_number", expected="at most X-Memory-Max-Top-K")


def _name(given: _Given, *, code: str) -> str | None:
    expected = f"a string of at most {MAX_NAME_CHARS} printable characters"
    text = given.text(code, expected)
    if len(text) > MAX_NAME_CHARS or not text.isprintable():
        raise given.refuse(code=code, expected=expected)
    return text or None


def _mode(given: _Given) -> MemoryMode:
    return parse_mode(given.value, given.param)


def parse_mode(value: object, param: str) -> MemoryMode:
    """A memory mode; ``on`` is ``full``, a boolean is ``full`` or ``off``."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if value is True or text in {"on", "true"}:
        return MemoryMode.FULL
    if value is False or text == "false":
        return MemoryMode.OFF
    try:
        return MemoryMode(text)
    except ValueError:
        raise _Given(param, value).refuse(
            code="invalid_mode", expected="one of full, read, write, off, shadow, on"
        ) from None


def _store(given: _Given) -> StoreScope:
    if given.param == _STORE_RESPONSE:
        return StoreScope.ALL if _boolean(given) else StoreScope.INPUT
    if isinstance(given.value, bool):
        return StoreScope.ALL if given.value else StoreScope.NONE
    expected = "one of all, input, response, none"
    try:
        return StoreScope(given.text("invalid_store", expected).lower())
    except ValueError:
        raise given.refuse(code="invalid_store", expected=expected) from None


def _strategy(given: _Given) -> Strategy:
    expected = "one of low_latency, balanced, agentic"
    try:
        return Strategy(given.text("invalid_strategy", expected).lower().replace("-", "_"))
    except ValueError:
        raise given.refuse(code="invalid_strategy", expected=expected) from None


def _count(given: _Given, *, code: str = "invalid_number", least: int = 0) -> int:
    value = given.value
    if isinstance(value, str) and value.strip().removeprefix("+").isdecimal() and value.isascii():
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MAX_NUMBER:
        raise given.refuse(code=code, expected=f"a whole number from {least} to {_MAX_NUMBER}")
    return value


def _fraction(given: _Given) -> float:
    value = given.value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= 1.0:
        raise given.refuse(code="invalid_number", expected="a number from 0 to 1")
    return float(value)


def _boolean(given: _Given) -> bool:
    if isinstance(given.value, bool):
        return given.value
    text = given.text("invalid_boolean", "true or false").lower()
    if text not in _TRUE | _FALSE:
        raise given.refuse(code="invalid_boolean", expected="true or false")
    return text in _TRUE


def _timezone(given: _Given) -> str:
    expected = 'an IANA time zone such as "Europe/Berlin"'
    name = given.text("invalid_timezone", expected)
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise given.refuse(code="invalid_timezone", expected=expected) from None


def _time(given: _Given) -> datetime:
    return parse_time(given.value, given.param)


def parse_time(value: object, param: str) -> datetime:
    """An RFC 3339 time, or a date (its midnight), in UTC where it has no offset; InvalidRequestError otherwise."""
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if moment is not None:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _Given(param, value).refuse(code="invalid_time", expected='an RFC 3339 time such as "2026-05-08T09:30:00Z"')


def _mapping(given: _Given, *, code: str) -> Mapping[str, object]:
    value = given.value
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    try:
        if isinstance(value, dict) and orjson.dumps(value):
            return value
    except (TypeError, orjson.JSONEncodeError):
        pass
    raise given.refuse(code=code, expected="a JSON object of text, numbers up to 64 bits, lists and objects")


_PARSERS: Final[Mapping[str, Callable[[_Given], object]]] = {
    "user": partial(_name, code="invalid_user"),
    "project": partial(_name, code="invalid_project"),
    "session": partial(_name, code="invalid_session"),
    "agent_id": partial(_name, code="invalid_agent"),
    "mode": _mode,
    "store": _store,
    "strategy": _strategy,
    "max_tokens": _count,
    "min_top_k": _count,
    "max_top_k": _count,
    "threshold": _fraction,
    "summaries_threshold": _fraction,
    "last_n_messages": _count,
    "last_n_summaries": _count,
    "timezone": _timezone,
    "has_instructions": _boolean,
    "may_create_user": _boolean,
    "session_timeout_s": partial(_count, code="invalid_session_timeout", least=1),
    "as_of": _time,
    "metadata": partial(_mapping, code="invalid_metadata"),
    "filters": partial(_mapping, code="invalid_filters"),
    "is_verbose": _boolean,
}
