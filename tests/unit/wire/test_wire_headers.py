"""Which headers are ours, which travel on, and which are answered."""

from __future__ import annotations

import pytest

from recollect.domain.controls import Controls
from recollect.wire.headers import (
    CONTROL_TABLE,
    OWN_BODY_FIELDS,
    RECALLR_RESPONSE_HEADERS,
    RESPONSE_HEADERS,
    MemoryReport,
    header_value,
    is_own_header,
    response_headers,
    strip_query,
    strip_request_headers,
    strip_response_headers,
)

KEY = b"mk_" + b"a" * 43


def test_the_table_names_controls_that_exist_and_no_name_twice() -> None:
    fields = [row.field for row in CONTROL_TABLE if row.field]
    assert set(fields) == set(Controls.__slots__) - {"speaks_recallr"}
    for names in (
        fields,
        [header.lower() for row in CONTROL_TABLE for header in row.headers],
        [name for row in CONTROL_TABLE for name in (*row.body, *row.kept_body)],
        [name for row in CONTROL_TABLE for name in row.query],
    ):
        assert len(names) == len(set(names))
    assert all(row.doc for row in CONTROL_TABLE)


def test_every_header_of_the_table_is_ours_but_open_webuis() -> None:
    for row in CONTROL_TABLE:
        for header in row.headers:
            assert is_own_header(header) is not header.startswith("X-OpenWebUI-")
            assert is_own_header(header.lower().encode()) is not header.startswith("X-OpenWebUI-")


def test_own_body_fields_are_ours_alone() -> None:
    assert {
        "user_id",
        "session_id",
        "run_id",
        "agent_id",
        "memory_mode",
        "limit",
        "as_of",
        "filters",
    } <= OWN_BODY_FIELDS
    assert OWN_BODY_FIELDS.isdisjoint({"user", "safety_identifier", "metadata", "model", "messages", "input"})


def test_a_request_travels_on_without_what_is_not_the_providers() -> None:
    headers = (
        (b"Host", b"gateway"),
        (b"Content-Length", b"5"),
        (b"Connection", b"keep-alive, X-Hop"),
        (b"x-hop", b"1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"te", b"trailers"),
        (b"expect", b"100-continue"),
        (b"proxy-authorization", b"x"),
        (b"X-Memory-Key", KEY),
        (b"x-memory-anything-new", b"1"),
        (b"x-recallr-user-id", b"u"),
        (b"x-provider-key", b"sk"),
        (b"x-session-id", b"s"),
        (b"x-api-key", KEY + b":read"),
        (b"Accept", b"*/*"),
        (b"x-stainless-lang", b"python"),
        (b"X-OpenWebUI-User-Id", b"u"),
        (b"authorization", b"Bearer sk-provider"),
        (b"api-key", b"azure"),
        (b"idempotency-key", b"i"),
        (b"session-id", b"codex"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
    )
    assert strip_request_headers(headers) == (
        (b"accept", b"*/*"),
        (b"x-stainless-lang", b"python"),
        (b"x-openwebui-user-id", b"u"),
        (b"authorization", b"Bearer sk-provider"),
        (b"api-key", b"azure"),
        (b"idempotency-key", b"i"),
        (b"session-id", b"codex"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
    )


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"api-key"])
def test_a_memory_key_never_travels_on(name: bytes) -> None:
    assert strip_request_headers(((name, b"Bearer " + KEY), (name, KEY))) == ()


def test_a_reply_travels_back_with_all_that_is_end_to_end() -> None:
    headers = (
        (b"Content-Type", b"text/event-stream"),
        (b"content-length", b"5"),
        (b"content-encoding", b"br"),
        (b"x-request-id", b"req_1"),
        (b"retry-after-ms", b"10"),
        (b"set-cookie", b"a"),
        (b"set-cookie", b"b"),
        (b"connection", b"close, x-hop"),
        (b"x-hop", b"1"),
        (b"transfer-encoding", b"chunked"),
        (b"keep-alive", b"timeout=5"),
    )
    assert strip_response_headers(headers) == (
        (b"content-type", b"text/event-stream"),
        (b"content-length", b"5"),
        (b"content-encoding", b"br"),
        (b"x-request-id", b"req_1"),
        (b"retry-after-ms", b"10"),
        (b"set-cookie", b"a"),
        (b"set-cookie", b"b"),
    )


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("memory=off", ""),
        ("api-version=2024-10-21&memory=off&beta=true", "api-version=2024-10-21&beta=true"),
        ("memory_session=a%20b&x=%2F", "x=%2F"),
        ("after=memory", "after=memory"),
        ("", ""),
    ],
)
def test_our_query_parameters_do_not_travel_on(query: str, left: str) -> None:
    assert strip_query(query) == left


def test_a_report_becomes_headers() -> None:
    report = MemoryReport("req_1", "injected", "alice", "ses_1", shown=3, tokens=120, took_ms=4.26, stored="yes")
    report = report._replace(strategy="agentic", upstream="a/1=429, b/2=200")
    found = dict(response_headers(report))
    assert found == {
        b"x-memory-request-id": b"req_1",
        b"x-memory-status": b"injected",
        b"x-memory-user": b"alice",
        b"x-memory-session": b"ses_1",
        b"x-memory-count": b"3",
        b"x-memory-tokens": b"120",
        b"x-memory-ms": b"4.3",
        b"x-memory-stored": b"yes",
        b"x-memory-strategy": b"agentic",
        b"x-memory-upstream": b"a/1=429, b/2=200",
    }
    assert {name.lower().encode() for name in RESPONSE_HEADERS} - set(found) == {b"x-memory-cache"}, "the upstream's"


def test_recallrs_spellings_are_answered_in_them_too() -> None:
    found = dict(response_headers(MemoryReport("req_1", "empty", "u", "s", took_ms=1.0), speaks_recallr=True))
    assert {name.decode() for name in found if name.startswith(b"x-recallr")} == {
        name.lower() for name in RECALLR_RESPONSE_HEADERS
    }
    assert found[b"x-recallr-session-id"] == b"s"
    assert found[b"x-recallr-process-time"] == b"1.0"


def test_what_is_unknown_is_left_out() -> None:
    names = [name for name, _ in response_headers(MemoryReport("req_1", "off"), speaks_recallr=True)]
    assert b"x-memory-user" not in names
    assert b"x-recallr-user-id" not in names


@pytest.mark.parametrize("user", ["Zoë", "a\r\nset-cookie: x", "\ud800", "100%"])
def test_header_values_are_one_line_of_ascii(user: str) -> None:
    value = dict(response_headers(MemoryReport("r", "off", user)))[b"x-memory-user"]
    assert value.isascii()
    assert value.decode().isprintable()


def test_a_header_is_read_as_utf8_or_latin1() -> None:
    assert header_value(((b"X-A", " Zoë ".encode()),), b"x-a") == "Zoë"
    assert header_value(((b"x-a", "Zoë".encode("latin-1")),), b"x-a") == "Zoë"
    assert header_value((), b"x-a") is None
