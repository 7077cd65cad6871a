"""Controls: every spelling, their precedence, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from recollect.domain.controls import Controls, StoreScope
from recollect.domain.keys import MemoryMode
from recollect.domain.recall import Strategy
from recollect.errors import InvalidRequestError
from recollect.wire.controls import read_controls
from recollect.wire.json_document import JsonDocument

MOMENT = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)


def controls(
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    body: dict[str, object] | None = None,
    *,
    suffix: MemoryMode | None = None,
    key: MemoryMode = MemoryMode.FULL,
    defaults: Controls | None = None,
) -> Controls:
    return read_controls(
        tuple((name.lower().encode(), value.encode()) for name, value in (headers or {}).items()),
        query or {},
        None if body is None else JsonDocument.parse(json.dumps(body).encode()),
        suffix_mode=suffix,
        key_mode=key,
        defaults=defaults or Controls(),
    )


def test_without_anything_the_defaults_count() -> None:
    defaults = Controls(user="me", max_top_k=7, timezone="Asia/Tokyo")
    assert controls(defaults=defaults) == defaults


@pytest.mark.parametrize(
    ("header", "value", "field", "expected"),
    [
        ("X-Memory-User", "alice", "user", "alice"),
        ("X-Recallr-User-Id", "alice", "user", "alice"),
        ("X-OpenWebUI-User-Id", "Zoë", "user", "Zoë"),
        ("X-Memory-Project", "p", "project", "p"),
        ("X-Recallr-Project-Id", "p", "project", "p"),
        ("X-Memory-Session", "s", "session", "s"),
        ("X-Session-ID", "s", "session", "s"),
        ("X-Recallr-Session-Id", "s", "session", "s"),
        ("X-OpenWebUI-Chat-Id", "s", "session", "s"),
        ("X-Memory-Agent", "a", "agent_id", "a"),
        ("X-Memory-Mode", "Read", "mode", MemoryMode.READ),
        ("X-Memory-Mode", "on", "mode", MemoryMode.FULL),
        ("X-Memory-Store", "input", "store", StoreScope.INPUT),
        ("X-Memory-Store-Response", "false", "store", StoreScope.INPUT),
        ("X-Memory-Store-Response", "true", "store", StoreScope.ALL),
        ("X-Memory-Strategy", "low_latency", "strategy", Strategy.LOW_LATENCY),
        ("X-Recallr-Recall-Strategy", "Agentic", "strategy", Strategy.AGENTIC),
        ("X-Memory-Max-Tokens", "500", "max_tokens", 500),
        ("X-Memory-Max-Tokens", "0", "max_tokens", 0),
        ("X-Memory-Min-Top-K", "3", "min_top_k", 3),
        ("X-Recallr-Min-Top-K", "3", "min_top_k", 3),
        ("X-Memory-Max-Top-K", "9", "max_top_k", 9),
        ("X-Recallr-Max-Top-K", "9", "max_top_k", 9),
        ("X-Memory-Context-Limit", "9", "max_top_k", 9),
        ("X-Memory-Threshold", "0.7", "threshold", 0.7),
        ("X-Recallr-Memories-Threshold", "1", "threshold", 1.0),
        ("X-Memory-Summaries-Threshold", "0", "summaries_threshold", 0.0),
        ("X-Recallr-Summaries-Threshold", ".5", "summaries_threshold", 0.5),
        ("X-Memory-Last-N-Messages", "4", "last_n_messages", 4),
        ("X-Recallr-Last-N-User-Messages", "4", "last_n_messages", 4),
        ("X-Memory-Last-N-Summaries", "2", "last_n_summaries", 2),
        ("X-Recallr-Last-N-Summaries", "2", "last_n_summaries", 2),
        ("X-Memory-Timezone", "Europe/Berlin", "timezone", "Europe/Berlin"),
        ("X-Recallr-Timezone", "UTC", "timezone", "UTC"),
        ("X-Memory-Instructions", "false", "has_instructions", False),
        ("X-Recallr-Include-System-Prompt", "0", "has_instructions", False),
        ("X-Memory-Create-User", "no", "may_create_user", False),
        ("X-Recallr-Allow-New-User-Creation", "true", "may_create_user", True),
        ("X-Memory-Session-Timeout", "60", "session_timeout_s", 60),
        ("X-Recallr-Session-Timeout-Seconds", "600", "session_timeout_s", 600),
        ("X-Memory-As-Of", "2024-05-01T12:00:00+02:00", "as_of", MOMENT),
        ("X-Memory-As-Of", "2024-05-01T10:00:00Z", "as_of", MOMENT),
        ("X-Memory-As-Of", "2024-05-01T10:00", "as_of", MOMENT),
        ("X-Memory-Metadata", '{"topic": "x"}', "metadata", {"topic": "x"}),
        ("X-Memory-Verbose", "TRUE", "is_verbose", True),
    ],
)
def test_headers(header: str, value: str, field: str, expected: object) -> None:
    assert getattr(controls({header: value}), field) == expected


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("user", "u", "user", "u"),
        ("user_id", "u", "user", "u"),
        ("safety_identifier", "u", "user", "u"),
        ("session_id", "s", "session", "s"),
        ("run_id", "s", "session", "s"),
        ("agent_id", "a", "agent_id", "a"),
        ("memory_mode", "off", "mode", MemoryMode.OFF),
        ("memory_mode", False, "mode", MemoryMode.OFF),
        ("memory_store", "none", "store", StoreScope.NONE),
        ("memory_store", False, "store", StoreScope.NONE),
        ("memory_max_tokens", 300, "max_tokens", 300),
        ("limit", 5, "max_top_k", 5),
        ("limit", 5.0, "max_top_k", 5),
        ("as_of", "2024-05-01T10:00:00Z", "as_of", MOMENT),
        ("metadata", {"a": "b"}, "metadata", {"a": "b"}),
        ("memory_metadata", {"a": "b"}, "metadata", {"a": "b"}),
        ("filters", {"a": "b"}, "filters", {"a": "b"}),
    ],
)
def test_body_fields(name: str, value: object, field: str, expected: object) -> None:
    assert getattr(controls(body={name: value}), field) == expected


def test_our_own_metadata_is_laid_over_the_providers() -> None:
    found = controls(body={"metadata": {"a": 1, "b": 1}, "memory_metadata": {"b": 2}})
    assert found.metadata == {"a": 1, "b": 2}


def test_stronger_sources_win() -> None:
    header, query = {"X-Memory-Mode": "write"}, {"memory": "off"}
    body: dict[str, object] = {"memory_mode": "read"}
    key = MemoryMode.SHADOW
    assert controls(header, query, body, suffix=MemoryMode.FULL, key=key).mode is MemoryMode.READ
    assert controls(header, query, suffix=MemoryMode.FULL, key=key).mode is MemoryMode.WRITE
    assert controls(query=query, suffix=MemoryMode.FULL, key=key).mode is MemoryMode.OFF
    assert controls(suffix=MemoryMode.FULL, key=key).mode is MemoryMode.FULL
    assert controls(key=key).mode is MemoryMode.SHADOW


def test_the_canonical_spelling_beats_an_alias() -> None:
    assert controls({"X-OpenWebUI-User-Id": "b", "X-Memory-User": "a"}).user == "a"
    assert controls({"X-Memory-Store-Response": "false", "X-Memory-Store": "none"}).store is StoreScope.NONE
    assert controls(body={"user": "b", "user_id": "a", "safety_identifier": "c"}).user == "a"


def test_empty_values_are_absent() -> None:
    found = controls(
        {"X-Memory-User": "", "X-Memory-Mode": ""}, {"memory": ""}, {"user": "", "user_id": None, "limit": None}
    )
    assert found == Controls()


@pytest.mark.parametrize("header", ["X-Recallr-User-Id", "X-Recallr-API-Key", "X-Recallr-Anything"])
def test_recallrs_spellings_bring_its_rules(header: str) -> None:
    found = controls({header: "x"})
    assert found.speaks_recallr
    assert not found.may_create_user
    assert found.session_timeout_s == 600


def test_our_own_spelling_may_still_create_the_user() -> None:
    assert controls({"X-Recallr-User-Id": "x", "X-Memory-Create-User": "true"}).may_create_user
    assert not controls({"X-Memory-User": "x"}).speaks_recallr


def test_recallr_refuses_short_timeouts() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        controls({"X-Recallr-Session-Timeout-Seconds": "599"})
    assert caught.value.code == "invalid_session_timeout"
    assert caught.value.param == "X-Recallr-Session-Timeout-Seconds"


def test_the_bounds_of_top_k_fit_each_other() -> None:
    assert controls({"X-Memory-Min-Top-K": "80"}).max_top_k == 80
    assert controls({"X-Memory-Max-Top-K": "3"}, defaults=Controls(min_top_k=5)).min_top_k == 3
    with pytest.raises(InvalidRequestError):
        controls({"X-Memory-Min-Top-K": "9", "X-Memory-Max-Top-K": "3"})


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("X-Memory-Mode", "loud", "invalid_mode"),
        ("X-Memory-Store", "some", "invalid_store"),
        ("X-Memory-Store-Response", "maybe", "invalid_boolean"),
        ("X-Memory-Strategy", "psychic", "invalid_strategy"),
        ("X-Recallr-Recall-Strategy", "psychic", "invalid_strategy"),
        ("X-Memory-Max-Tokens", "-1", "invalid_number"),
        ("X-Memory-Max-Tokens", "many", "invalid_number"),
        ("X-Memory-Max-Top-K", "1.5", "invalid_number"),
        ("X-Memory-Max-Top-K", "9" * 500, "invalid_number"),
        ("X-Memory-Threshold", "1.1", "invalid_number"),
        ("X-Memory-Threshold", "nan", "invalid_number"),
        ("X-Memory-Threshold", "-0.1", "invalid_number"),
        ("X-Memory-Timezone", "Mars/Olympus", "invalid_timezone"),
        ("X-Memory-Timezone", "../../etc/passwd", "invalid_timezone"),
        ("X-Memory-Timezone", "Europe", "invalid_timezone"),
        ("X-Memory-Instructions", "maybe", "invalid_boolean"),
        ("X-Memory-Session-Timeout", "0", "invalid_session_timeout"),
        ("X-Memory-Session-Timeout", "soon", "invalid_session_timeout"),
        ("X-Memory-As-Of", "yesterday", "invalid_time"),
        ("X-Memory-As-Of", "2024-13-01", "invalid_time"),
        ("X-Memory-As-Of", "0001-01-01T00:00:00+23:59", "invalid_time"),
        ("X-Memory-Metadata", "[1]", "invalid_metadata"),
        ("X-Memory-Metadata", "{", "invalid_metadata"),
        ("X-Memory-User", "a" * 513, "invalid_user"),
        ("X-Memory-User", "a\tb", "invalid_user"),
        ("X-Memory-Session", "a\x7fb", "invalid_session"),
    ],
)
def test_malformed_headers_are_named(name: str, value: str, code: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        controls({name: value})
    assert (caught.value.param, caught.value.code) == (name, code)
    assert caught.value.message.startswith(name)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("user", 5, "invalid_user"),
        ("user_id", {}, "invalid_user"),
        ("user", "line\nbreak", "invalid_user"),
        ("session_id", 5, "invalid_session"),
        ("agent_id", [], "invalid_agent"),
        ("memory_mode", 3, "invalid_mode"),
        ("memory_mode", [], "invalid_mode"),
        ("memory_store", {}, "invalid_store"),
        ("limit", -1, "invalid_number"),
        ("limit", True, "invalid_number"),
        ("limit", "1e3", "invalid_number"),
        ("memory_max_tokens", {}, "invalid_number"),
        ("as_of", 1714557600, "invalid_time"),
        ("metadata", 5, "invalid_metadata"),
        ("metadata", [], "invalid_metadata"),
        ("metadata", {"n": 10**30}, "invalid_metadata"),
        ("metadata", {"n": "\ud800"}, "invalid_metadata"),
        ("filters", "x", "invalid_filters"),
    ],
)
def test_malformed_body_fields_are_named(name: str, value: object, code: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        controls(body={name: value})
    assert (caught.value.param, caught.value.code) == (name, code)


def test_malformed_query_parameters_are_named() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        controls(query={"memory": "loud"})
    assert caught.value.param == "memory"


def test_query_parameters() -> None:
    found = controls(query={"memory_user": "u", "memory_session": "s", "memory_verbose": "1", "other": "x"})
    assert (found.user, found.session, found.is_verbose) == ("u", "s", True)
