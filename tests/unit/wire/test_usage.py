"""Asking for a count of tokens, finding it, and taking out what was added by asking."""

from __future__ import annotations

import json

import pytest

from recollect.domain.usage import Usage
from recollect.wire.chat_completions import CHAT_COMPLETIONS
from recollect.wire.completions import COMPLETIONS
from recollect.wire.json_document import JsonDocument
from recollect.wire.prompt import PromptEdit
from recollect.wire.usage import UsageStripper, asks_for_usage, find_usage

COUNT = '{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4}}'
COUNTED = Usage(input_tokens=9, output_tokens=3, cached_tokens=4)


def said(text):
    return f'data: {{"id":"c","choices":[{{"index":0,"delta":{{"content":"{text}"}}}}],"usage":null}}'.encode()


COUNT_EVENT = f'data: {{"id":"c","choices":[],"usage":{COUNT}}}'.encode()
DONE = b"data: [DONE]"
RESPONSE_EVENT = b"""data: {"response":{"tools":[{"properties":{"usage":{"type":"string"}}}],"usage":{"input_tokens":7,\
"input_tokens_details":{"cached_tokens":2},"output_tokens":1,"total_tokens":8},"metadata":{}}}

"""
MESSAGE_EVENTS = b"""data: {"type":"message_start","message":{"usage":{"input_tokens":10,\
"cache_read_input_tokens":100,"cache_creation_input_tokens":50,"output_tokens":1}}}

data: {"type":"message_delta","usage":{"output_tokens":42}}

"""


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ('{"stream":true,"messages":[]}', '{"stream":true,"stream_options":{"include_usage":true},"messages":[]}'),
        (
            '{"stream_options":{"a":1}, "stream":true}',
            '{"stream_options":{"include_usage":true,"a":1}, "stream":true}',
        ),
        ('{"stream_options":{}, "stream":true}', '{"stream_options":{"include_usage":true}, "stream":true}'),
        ('{"stream_options":null,"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'),
        (
            '{"stream_options":{"include_usage": false},"stream":true}',
            '{"stream_options":{"include_usage": true},"stream":true}',
        ),
    ],
)
@pytest.mark.parametrize("dialect", [CHAT_COMPLETIONS, COMPLETIONS])
def test_asking_changes_nothing_else(dialect, body, asked):
    document = JsonDocument.parse(body.encode())
    assert not asks_for_usage(document)
    assert dialect.edit(document, PromptEdit(asks_usage=True)) == asked.encode()
    assert asks_for_usage(JsonDocument.parse(asked.encode()))
    assert dialect.edit(document, PromptEdit()) == body.encode()


def test_asking_beside_our_own_fields():
    document = JsonDocument.parse(b'{"stream":true,"memory_mode":"off"}')
    assert json.loads(CHAT_COMPLETIONS.edit(document, PromptEdit(model="m", asks_usage=True))) == {
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_the_added_event_is_taken_out_and_every_other_byte_passes(end, size):
    head = b'data: {"id":"c","choices":[],"prompt_filter_results":[]}'
    others = [b": keep-alive", head, said("Hello"), said('\\"choices\\":[]'), DONE]
    whole = end.join([*others[:4], COUNT_EVENT, DONE, b""])
    stripper = UsageStripper()
    passed = b"".join(stripper.feed(whole[start : start + size]) for start in range(0, len(whole), size))
    assert passed + stripper.flush() == end.join([*others, b""])


def test_a_stream_that_breaks_off_passes_to_its_last_byte():
    stripper = UsageStripper()
    broken = said("one") + b"\n\n" + said("two")[:30]
    assert stripper.feed(broken) + stripper.flush() == broken


def test_a_count_that_no_blank_line_ends_is_taken_out_too():
    stripper = UsageStripper()
    assert stripper.feed(said("one") + b"\n\n" + COUNT_EVENT) + stripper.flush() == said("one") + b"\n\n"


def test_an_event_without_end_is_not_held_for_ever():
    stripper = UsageStripper()
    chunk = b"data: " + b"x" * 100_000
    assert stripper.feed(chunk) == chunk


def test_an_event_with_words_beside_its_count_stays():
    event = said("Hi").replace(b'"usage":null', f'"usage":{COUNT}'.encode()) + b"\n\n"
    stripper = UsageStripper()
    assert stripper.feed(event) + stripper.flush() == event


@pytest.mark.parametrize(
    ("body", "dialect", "usage"),
    [
        (f'{{"choices":[],"usage":{COUNT}}}'.encode(), "chat/completions", COUNTED),
        (b"\n\n".join([said("a"), COUNT_EVENT, DONE, b""]), "chat/completions", COUNTED),
        (b"\n\n".join([said("a"), said("b"), DONE, b""]), "chat/completions", None),
        (b'{"object":"list","data":[],"usage":{"prompt_tokens":5,"total_tokens":5}}', "", Usage(5)),
        (b'{"data":"' + b"x" * 300_000 + b'","usage":{"prompt_tokens":5,"total_tokens":5}}', "", Usage(5)),
        (b'{"choices":[{"message":{"content":"{\\"usage\\":{\\"prompt_tokens\\":1}}"}}]}', "chat/completions", None),
        (
            RESPONSE_EVENT,
            "responses",
            Usage(7, 1, 2),
        ),
        (
            MESSAGE_EVENTS,
            "messages",
            Usage(160, 42, 100, 50),
        ),
        (b'{"usage":{"input_tokens":3,"output_tokens":4}}', "messages", Usage(3, 4)),
        (
            b'{"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":50}}',
            "chat/completions",
            Usage(10, 40),
        ),
        (
            b'{"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.0125}}',
            "chat/completions",
            Usage(1, 1, reported_nano_usd=12_500_000),
        ),
        (f'{{"choices":[],"usage":{COUNT},"object":"usage"}}'.encode(), "chat/completions", COUNTED),
        (f'{{"usage":{COUNT},"choices":[{{"usage":{{"prompt_tokens":1}}}}]}}'.encode(), "chat/completions", COUNTED),
        (b'{"choices":[{"message":{"usage":{"prompt_tokens":1}}}]}', "chat/completions", None),
        (b'{"choices":[],"usage":null}', "chat/completions", None),
        (b'{"usage":"much"}', "chat/completions", None),
        (b'{"usage":{', "chat/completions", None),
        (b"\xff\xfe", "chat/completions", None),
        (b"", "messages", None),
    ],
)
def test_counts_are_found(body, dialect, usage):
    assert find_usage(body, dialect) == usage
