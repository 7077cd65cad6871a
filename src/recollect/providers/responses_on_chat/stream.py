"""The chunks of a chat completion as the events of a response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from recollect.providers.responses_on_chat.items import response_id, response_object
from recollect.providers.responses_on_chat.writers import CallWriter, MessageWriter, ReasoningWriter
from recollect.wire.sse import SseDecoder

if TYPE_CHECKING:
    from recollect.providers.responses_on_chat.writers import Event, ItemWriter

Json = dict[str, Any]


class ResponseStream:
    """Takes the bytes of one stream, cut anywhere; gives the bytes of the other."""

    def __init__(self, request: Json, custom: frozenset[str]) -> None:
        """``request`` is the client's, ``custom`` the names of its custom tools."""
        self._request = request
        self._custom = custom
        self._decoder = SseDecoder()
        self._chat: Json = {}
        self._items: list[Json] = []
        self._writers: list[ItemWriter] = []
        self._calls: dict[object, CallWriter] = {}
        self._sequence_number = 0
        self._finish_reason: str | None = None
        self.is_finished = False
        """The response has ended, by its last event or by an error."""

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets for these bytes; perhaps nothing yet."""
        events: list[Event] = []
        for event in self._decoder.feed(chunk):
            if not self.is_finished:
                events += self._end() if event.data == "[DONE]" else self._read(event.data)
        return self._bytes(events)

    def finish(self) -> bytes:
        """The bytes have ended: some providers do not say so in words. Nothing where the reply broke off."""
        return b"" if self.is_finished or self._finish_reason is None else self._bytes(self._end())

    def _read(self, text: str) -> list[Event]:
        try:
            data = orjson.loads(text)
        except orjson.JSONDecodeError:
            return []
        if not isinstance(data, dict):
            return []
        if data.get("error"):
            return self._fail(data["error"])
        events = [] if self._chat else self._begin(data)
        if data.get("usage"):
            self._chat["usage"] = data["usage"]
        for choice in (data.get("choices") or ())[:1]:
            events += self._take(choice.get("delta") or {})
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
        return events

    def _begin(self, data: Json) -> list[Event]:
        self._chat = {name: data.get(name) for name in ("id", "created", "model")}
        response = response_object(self._request, self._chat, [], None)
        return [("response.created", {"response": response}), ("response.in_progress", {"response": response})]

    def _take(self, delta: Json) -> list[Event]:
        events: list[Event] = []
        thought, blocks = delta.get("reasoning_content") or delta.get("reasoning") or "", delta.get("thinking_blocks")
        if thought or blocks:
            events += self._go_on(ReasoningWriter)
            writer = self._writers[-1]
            events += writer.take(thought, blocks or []) if isinstance(writer, ReasoningWriter) else []
        text = delta.get("content") or delta.get("refusal")
        if text:
            events += self._go_on(MessageWriter)
            writer = self._writers[-1]
            events += writer.take(text) if isinstance(writer, MessageWriter) else []
        for call in delta.get("tool_calls") or ():
            events += self._take_call(call)
        return events

    def _take_call(self, call: Json) -> list[Event]:
        events: list[Event] = []
        function = call.get("function") or {}
        key = call.get("index", call.get("id"))
        if key not in self._calls:
            # calls in parallel may be written in turns, so one is not closed by the next
            events += [] if self._calls else self._close()
            writer = CallWriter(len(self._items), self._stem(), call, is_custom=function.get("name") in self._custom)
            self._calls[key] = writer
            events += self._add(writer)
        return events + self._calls[key].take(function.get("arguments") or "")

    def _go_on(self, kind: type[MessageWriter | ReasoningWriter]) -> list[Event]:
        """Stay with an item of this kind, or begin one."""
        if self._writers and type(self._writers[-1]) is kind:
            return []
        return [*self._close(), *self._add(kind(len(self._items), self._stem()))]

    def _add(self, writer: ItemWriter) -> list[Event]:
        self._writers.append(writer)
        self._items.append({})
        return writer.start()

    def _close(self) -> list[Event]:
        events: list[Event] = []
        for writer in self._writers:
            events += writer.stop()
            last = events[-1][1]
            self._items[last["output_index"]] = last["item"]
        self._writers.clear()
        self._calls.clear()
        return events

    def _end(self) -> list[Event]:
        events = self._close()
        self.is_finished = True
        response = response_object(self._request, self._chat, self._items, self._finish_reason or "stop")
        return [*events, ("response." + response["status"], {"response": response})]

    def _fail(self, error: Any) -> list[Event]:  # noqa: ANN401
        self.is_finished = True
        given = error if isinstance(error, dict) else {"message": str(error)}
        code = str(given.get("code") or given.get("type") or "server_error")
        message = given.get("message", "unknown error")
        started = response_object(self._request, self._chat, [], None)
        failed = {**started, "status": "failed", "error": {"code": code, "message": message}}
        return [
            ("error", {"code": code, "message": message, "param": given.get("param")}),
            ("response.failed", {"response": failed}),
        ]

    def _stem(self) -> str:
        return response_id(self._chat.get("id")).removeprefix("resp_")

    def _bytes(self, events: list[Event]) -> bytes:
        made: list[bytes] = []
        for kind, fields in events:
            data = orjson.dumps({"type": kind, "sequence_number": self._sequence_number, **fields})
            made.append(b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n")
            self._sequence_number += 1
        return b"".join(made)
