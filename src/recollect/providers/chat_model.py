"""A model that is asked by this gateway itself: one chat completion, over the same upstream as any exchange."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import orjson

from recollect.domain.chat import Answer, ToolUse
from recollect.errors import ModelRefusedError, ModelReplyError
from recollect.providers.base import UpstreamRequest
from recollect.wire.headers import header_of

if TYPE_CHECKING:
    from recollect.domain.chat import Question, Turn
    from recollect.providers.base import Headers, Route, Upstream, UpstreamReply

MOST_BYTES = 4 * 1024 * 1024
FIRST_ERROR_STATUS = 400
_LIMITS = ("max_tokens", "max_completion_tokens")
_plain_word = re.compile(r"[\w.\-]{1,60}")


@dataclass(slots=True)
class ProviderChatModel:
    """Implements :class:`recollect.domain.chat.ChatModel` at a route; ``model`` is the provider's spelling.

    What the answer may be long is said as ``max_tokens``, or as ``max_completion_tokens`` once the endpoint asked for
    that.
    """

    upstream: Upstream
    route: Route
    model: str
    _limit: str = field(default=_LIMITS[0])

    @property
    def name(self) -> str:
        """The provider, where it has a name, and the model."""
        return f"{self.route.provider}/{self.model}" if self.route.provider else self.model

    async def ask(self, question: Question) -> Answer:
        """See :meth:`ChatModel.ask`."""
        try:
            return await self._ask(question)
        except ModelRefusedError as error:
            if self._limit == _LIMITS[1] or not error.mentions_limit:
                raise
            self._limit = _LIMITS[1]
            return await self._ask(question)

    async def _ask(self, question: Question) -> Answer:
        request = UpstreamRequest(
            method="POST",
            url=self.route.url,
            headers=_headers(self.route.credentials),
            body=orjson.dumps({"model": self.model, self._limit: question.most_tokens, **_body(question)}),
            is_pinned=self.route.is_pinned,
            provider=self.route.provider,
        )
        reply = await self.upstream.send(request)
        try:
            content = await _whole(reply, self.name)
        finally:
            await reply.close()
        if reply.status >= FIRST_ERROR_STATUS:
            raise _refusal(reply, content, self.name)
        return _answer(content, self.name)


def _headers(credentials: Headers) -> Headers:
    return ((b"content-type", b"application/json"), (b"accept", b"application/json"), *credentials)


def _body(question: Question) -> dict[str, object]:
    body: dict[str, object] = {"messages": [_message(turn) for turn in question.turns], "stream": False}
    if question.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": one.name, "description": one.description, "parameters": dict(one.parameters)},
            }
            for one in question.tools
        ]
    if question.must_use:
        body["tool_choice"] = {"type": "function", "function": {"name": question.must_use}}
    if question.answer_format is not None:
        body["response_format"] = dict(question.answer_format)
    return body


def _message(turn: Turn) -> dict[str, object]:
    text = turn.text.encode("utf-8", "replace").decode()
    message: dict[str, object] = {"role": turn.role, "content": text}
    if turn.answers:
        message["tool_call_id"] = turn.answers
    if turn.uses:
        message["content"] = text or None
        message["tool_calls"] = [
            {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
            for one in turn.uses
        ]
    return message


async def _whole(reply: UpstreamReply, name: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in reply.chunks():
        size += len(chunk)
        if size > MOST_BYTES:
            message = f"The model {name} answered with more than {MOST_BYTES} bytes."
            raise ModelReplyError(message)
        parts.append(chunk)
    return b"".join(parts)


def _refusal(reply: UpstreamReply, content: bytes, name: str) -> ModelRefusedError:
    """An error without the endpoint's own words, which may quote what it was sent."""
    code = _code(content)
    message = f"The endpoint of the model {name} answered {reply.status}{f' ({code})' if code else ''}."
    return ModelRefusedError(
        message,
        answered=reply.status,
        retry_after_s=_retry_after_s(reply.headers),
        mentions_limit=reply.status == FIRST_ERROR_STATUS and _LIMITS[1].encode() in content,
    )


def _code(content: bytes) -> str:
    try:
        error = orjson.loads(content)["error"]
        found = error.get("code") or error.get("type")
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
    return found if isinstance(found, str) and _plain_word.fullmatch(found) else ""


def _retry_after_s(headers: Headers) -> float | None:
    value = header_of(headers, b"retry-after").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _answer(content: bytes, name: str) -> Answer:
    try:
        body = orjson.loads(content)
        choice = body["choices"][0]
        message = choice["message"]
        uses = tuple(_use(one) for one in message.get("tool_calls") or ())
        text = message.get("content") or ""
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        what = f"The model {name} did not answer with a chat completion."
        raise ModelReplyError(what) from error
    is_cut = choice.get("finish_reason") == "length"
    return Answer(text if isinstance(text, str) else "", uses, _tokens(body.get("usage")), is_cut)


def _use(call: Any) -> ToolUse:  # noqa: ANN401 - whatever the endpoint wrote
    function = call["function"]
    arguments = function.get("arguments") or "{}"
    written = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
    return ToolUse(str(call.get("id") or ""), str(function["name"]), written)


def _tokens(usage: Any) -> int | None:  # noqa: ANN401 - as above
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None
