"""A provider's own count of tokens: asking for it, finding it in a reply, and taking out what was added by asking."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import orjson

from recollect.domain.usage import NANO_PER_USD, Usage
from recollect.wire.json_document import Edit
from recollect.wire.sse import SseDecoder

if TYPE_CHECKING:
    from recollect.wire.json_document import JsonDocument

MESSAGES = "messages"
MAX_PLAIN_BYTES = 256 * 1024
"""A larger reply is searched for its count rather than parsed."""
MAX_USAGE_CHARACTERS = 8192
MAX_HELD_BYTES = 64 * 1024
"""An event that holds a count is never this long."""
_TRIED_COUNTS = 8
MAX_USD = 100_000
_BOUNDS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_OPTIONS, _ASK = "stream_options", '"include_usage":true'
_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r)", re.DOTALL)
_NAME = b'"usage"'
_COUNT = re.compile(rb'"usage"\s*:\s*(?=\{)')
"""Not inside of a string: there, quotes are escaped."""
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_COUNTED = frozenset({"prompt_tokens", "input_tokens", "completion_tokens", "output_tokens", "total_tokens"})
_decode_object = json.JSONDecoder().raw_decode


def read_usage(usage: object) -> Usage | None:
    """Token counts in OpenAI's words, of either dialect; also DeepSeek's for the cache, and what OpenRouter charges."""
    if not isinstance(usage, dict):
        return None
    prompt = _count(usage.get("prompt_tokens", usage.get("input_tokens")))
    output = _count(usage.get("completion_tokens", usage.get("output_tokens")))
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    details = details if isinstance(details, dict) else {}
    cached = details.get("cached_tokens")
    return Usage(
        prompt,
        # xAI and Google count what a model thought in the total alone
        max(output, _count(usage.get("total_tokens")) - prompt),
        _count(cached if cached is not None else usage.get("prompt_cache_hit_tokens")),
        _count(details.get("cache_write_tokens")),
        _money(usage.get("cost")),
    )


def read_message_usage(usage: object) -> Usage | None:
    """Token counts in Anthropic's words, whose input holds neither what was read from the cache nor written to it."""
    if not isinstance(usage, dict):
        return None
    read, written = _count(usage.get("cache_read_input_tokens")), _count(usage.get("cache_creation_input_tokens"))
    return Usage(
        input_tokens=_count(usage.get("input_tokens")) + read + written,
        output_tokens=_count(usage.get("output_tokens")),
        cached_tokens=read,
        cache_write_tokens=written,
        reported_nano_usd=_money(usage.get("cost")),
    )


def find_usage(body: bytes, dialect: str) -> Usage | None:
    """The count in a reply, plain or streamed; None where the provider gave none. Never raises."""
    if dialect != MESSAGES and len(body) <= MAX_PLAIN_BYTES and body[:1] == b"{":
        return read_usage(_plain(body).get("usage"))
    if dialect == MESSAGES:
        merged: dict[str, object] = {}
        for match in _COUNT.finditer(body):
            merged |= {name: value for name, value in _object_at(body, match.end()).items() if value is not None}
        return read_message_usage(merged) if not _COUNTED.isdisjoint(merged) else None
    place = len(body)
    for _ in range(_TRIED_COUNTS):
        place = body.rfind(_NAME, 0, place)
        if place < 0:
            return None
        count = _COUNT.match(body, place)
        found = _object_at(body, count.end()) if count else {}
        if not _COUNTED.isdisjoint(found):
            return read_usage(found)
    return None


def asks_for_usage(body: JsonDocument) -> bool:
    """The client wants the count of its stream itself."""
    options = body.get(_OPTIONS)
    return isinstance(options, dict) and options.get("include_usage") is True


def most_output(body: JsonDocument, default: int) -> int:
    """The bound that a request sets to what comes back, in any dialect's word."""
    given = (body.get(name) for name in _BOUNDS)
    return next((value for value in given if isinstance(value, int) and value > 0), default)


def usage_edits(body: JsonDocument) -> list[Edit]:
    """What makes a stream of chat completions or completions end with its count."""
    place = body.member(_OPTIONS)
    if place is None:
        streams = body.member("stream")
        return [] if streams is None else [Edit(streams.value_end, streams.value_end, f',"{_OPTIONS}":{{{_ASK}}}')]
    if not isinstance(place.value, dict):
        return [Edit(place.value_start, place.value_end, f"{{{_ASK}}}")]
    asked = [one for one in body.members_at(place.value_start) if one.key == "include_usage"]
    if asked:
        return [Edit(one.value_start, one.value_end, "true") for one in asked]
    inside = place.value_start + 1
    return [Edit(inside, inside, f"{_ASK}," if place.value else _ASK)]


class UsageStripper:
    """Takes the event that a stream has only because its count was asked for out again; every other byte passes.

    Such an event has no choices and a count. Bytes are held until their event is whole, which is how providers send
    them.
    """

    def __init__(self) -> None:
        """Begin at the start of a stream, decoded."""
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets of these bytes, and of those held."""
        if not self._held and b"[]" not in chunk and chunk.endswith(b"\n\n"):
            return chunk  # the usual case: whole events, with choices in them
        data = self._held + chunk
        ends = ((data.rfind(mark), len(mark)) for mark in _EVENT_ENDS)
        end = max(place + length if place >= 0 else 0 for place, length in ends)
        if len(data) - end > MAX_HELD_BYTES:
            end = len(data)
        self._held = data[end:]
        whole = data[:end]
        if _NO_CHOICES.search(whole) is None:
            return whole
        kept, place = [], 0
        for event in _EVENT.finditer(whole):
            if not _is_count(event[0]):
                kept.append(event[0])
            place = event.end()
        return b"".join((*kept, whole[place:]))

    def flush(self) -> bytes:
        """What is held when the stream ends."""
        held, self._held = self._held, b""
        return b"" if _is_count(held + b"\n\n") else held


def _is_count(event: bytes) -> bool:
    if _NO_CHOICES.search(event) is None:
        return False
    for found in SseDecoder().feed(event):
        try:
            value = orjson.loads(found.data)
        except orjson.JSONDecodeError:
            return False
        return isinstance(value, dict) and value.get("choices") == [] and isinstance(value.get("usage"), dict)
    return False


def _plain(body: bytes) -> dict[str, object]:
    """A reply, or of a reply that has its count behind the rest the end from there: where that and an opening brace are
    an object, it is the reply's own last members, and no inner object's. Empty where it is no object."""
    place = body.rfind(_NAME)
    tail = _object(b"{" + body[place:]) if place > 0 else {}
    return tail or _object(body)


def _object(text: bytes) -> dict[str, object]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _object_at(body: bytes, place: int) -> dict[str, object]:
    try:
        value, _ = _decode_object(body[place : place + MAX_USAGE_CHARACTERS].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _money(value: object) -> int | None:
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < MAX_USD:
        return None
    return round(value * NANO_PER_USD)
