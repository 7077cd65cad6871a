"""Records of requests as text."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from recollect.domain.requests import Attempt, RequestRecord
from recollect.domain.usage import Cost, Usage
from recollect.stores.request_json import decode_record, encode_record
from recollect.testing.store_suite.requests import LEFT

WITH_EVERY_NAME = """
{"took_ms":4.5,"method":"POST","path":"chat/completions","status":200,"key_id":"key_1","dialect":"chat/completions",
"provider":"openai","model":"gpt-4o-mini","mode":"off","memory":"off","stored":"no","stage_ms":{"authenticate":1.428},
"stage_at_ms":{"authenticate":0.127},"cost":{"provider":"openai","model":"gpt-4o-mini","usage":{"input_tokens":1,
"output_tokens":2,"cached_tokens":0,"cache_write_tokens":0,"reported_nano_usd":null,"is_estimated":false},
"nano_usd":1350},"attempts":[{"name":"openai/gpt-4o-mini","outcome":"200","took_ms":0.03}],"of_a_newer_version":1}
"""
AT = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_record_that_holds_what_is_usual_too_is_read():
    assert decode_record("req_1", "p", AT, WITH_EVERY_NAME) == RequestRecord(
        "req_1",
        AT,
        4.5,
        "POST",
        "chat/completions",
        status=200,
        project="p",
        key_id="key_1",
        dialect="chat/completions",
        provider="openai",
        model="gpt-4o-mini",
        stage_ms={"authenticate": 1.428},
        stage_at_ms={"authenticate": 0.127},
        cost=Cost("openai", "gpt-4o-mini", Usage(1, 2), 1350),
        attempts=(Attempt("openai/gpt-4o-mini", "200", 0.03),),
    )


def test_what_is_usual_is_not_written():
    written = json.loads(encode_record(LEFT))
    assert set(written) == {"took_ms", "method", "path", "error", "stage_ms", "stage_at_ms"}
