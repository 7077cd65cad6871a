"""The model's turn: it asks for tools until it has chosen, within steps, tokens and seconds."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from recollect.domain.chat import Question, Turn, estimate_tokens
from recollect.domain.recall import Browsing, ToolCall
from recollect.errors import (
    ModelRefusedError,
    ModelReplyError,
    PermissionDeniedError,
    StoreUnavailableError,
    UpstreamBrokenError,
    UpstreamConnectError,
    UpstreamTimeoutError,
)
from recollect.recall.agentic.toolbox import BadArgumentsError, read_arguments
from recollect.recall.agentic.tools import INJECT, INSTRUCTIONS, TOOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.chat import Answer, ChatModel, Tool, ToolUse
    from recollect.domain.recall import Hit, RecallResult
    from recollect.recall.agentic.toolbox import Toolbox

LONGEST_QUESTION = 2000
LONGEST_ARGUMENTS = 300
MOST_USES = 5
"""Tools at once in one step."""
MOST_ANSWER_TOKENS = 600
LEAST_ANSWER_TOKENS = 100
_listed = re.compile(r"\[\s*(?:\d+\s*(?:,\s*\d+\s*)*)?\]")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one browsing may take."""

    steps: int = 6
    tokens: int = 8000
    seconds: float = 20.0


class FellBackError(Exception):
    """The model did not choose; the message says why, in one word."""


@dataclass(slots=True)
class Browser:
    """One browsing of one vault by one model."""

    model: ChatModel
    box: Toolbox
    bounds: Bounds
    calls: list[ToolCall] = field(default_factory=list)
    steps: int = 0
    tokens: int = 0

    async def browse(self, first: RecallResult) -> tuple[list[Hit], Browsing]:
        """What the model chose, the most useful first, and how it went; ``first`` is what it sees to begin with."""
        started = time.perf_counter()
        chosen: list[Hit] = []
        fell_back = ""
        try:
            async with asyncio.timeout(self.bounds.seconds):
                chosen = await self._choose(first)
        except TimeoutError:
            fell_back = "seconds"
        except FellBackError as reason:
            fell_back = str(reason)
        except StoreUnavailableError:
            fell_back = "store"
        except ModelRefusedError as error:
            fell_back = f"refused_{error.answered}"
        except (ModelReplyError, UpstreamBrokenError):
            fell_back = "unreadable"
        except (UpstreamConnectError, UpstreamTimeoutError, PermissionDeniedError):
            fell_back = "unreachable"
        took_ms = (time.perf_counter() - started) * 1000
        sources = self.box.desk.sources
        return chosen, Browsing(
            self.model.name, self.steps, self.tokens, took_ms, tuple(self.calls), fell_back, sources
        )

    async def _choose(self, first: RecallResult) -> list[Hit]:
        turns = [Turn("system", INSTRUCTIONS), Turn("user", await self._opening(first))]
        while self.steps < self.bounds.steps:
            answer = await self._step(turns)
            chosen = self._chosen(answer)
            if chosen is not None:
                return chosen
            turns.append(Turn("assistant", answer.text, answer.uses))
            for place, use in enumerate(answer.uses):
                said = await self._use(use) if place < MOST_USES else "Too many at once: ask again."
                turns.append(Turn("tool", said, answers=use.id))
        reason = "steps"
        raise FellBackError(reason)

    async def _opening(self, first: RecallResult) -> str:
        request = self.box.request
        shown, _ = await self.box.candidates(first)
        before = "\n".join(text[: LONGEST_QUESTION // 4] for text in request.context)
        parts = [f"Today: {request.now:%Y-%m-%d}"] if request.now else []
        parts += [f"Said before:\n{before}"] if before else []
        parts += [f"The person writes:\n{request.query[:LONGEST_QUESTION]}", f"Entries found so far:\n{shown}"]
        return "\n\n".join(parts)

    async def _step(self, turns: Sequence[Turn]) -> Answer:
        """Ask once, within what is left of the tokens; in the last step only to choose."""
        is_last = self.steps + 1 == self.bounds.steps
        tools = (INJECT,) if is_last else TOOLS
        sent = sum(map(_size, turns)) + _size_of_tools(tools)
        left = self.bounds.tokens - self.tokens - sent
        if left < LEAST_ANSWER_TOKENS:
            reason = "tokens"
            raise FellBackError(reason)
        self.steps += 1
        question = Question(
            tuple(turns),
            tools,
            must_use=INJECT.name if is_last else "",
            most_tokens=min(MOST_ANSWER_TOKENS, left),
        )
        answer = await self.model.ask(question)
        await self._tell(f"step {self.steps}")  # a model that refuses the key leaves the reply its own status
        self.tokens += sent + estimate_tokens(answer.text) if answer.tokens is None else answer.tokens
        return answer

    def _chosen(self, answer: Answer) -> list[Hit] | None:
        """None while the model still asks. It may also write its list instead of using the tool."""
        for use in answer.uses:
            if use.name == INJECT.name:
                return self._numbered(_ids(use.arguments))
        if answer.uses:
            return None
        written = _listed.findall(answer.text)
        if not written:
            reason = "no_choice"
            raise FellBackError(reason)
        return self._numbered(orjson.loads(written[-1]))

    def _numbered(self, ids: Sequence[int]) -> list[Hit]:
        chosen = self.box.desk.chosen(ids)
        if ids and not chosen:
            reason = "unknown_ids"
            raise FellBackError(reason)
        self.calls.append(ToolCall(INJECT.name, str(list(ids))[:LONGEST_ARGUMENTS], len(chosen), 0.0))
        return chosen

    async def _use(self, use: ToolUse) -> str:
        started = time.perf_counter()
        await self._tell(use.name if use.name in {tool.name for tool in TOOLS} else "an unknown tool")
        said, found = await self.box.use(use.name, use.arguments)
        took_ms = (time.perf_counter() - started) * 1000
        self.calls.append(ToolCall(use.name[:40], use.arguments[:LONGEST_ARGUMENTS], found, took_ms))
        return said

    async def _tell(self, what: str) -> None:
        if self.box.request.on_progress is not None:
            await self.box.request.on_progress(what)


def _ids(arguments: str) -> list[int]:
    """The numbers that were chosen; FellBackError where there is no list of them."""
    try:
        ids = read_arguments(arguments).get("ids")
    except BadArgumentsError:
        ids = None
    if not isinstance(ids, list):
        reason = "no_choice"
        raise FellBackError(reason)
    return [int(one) for one in ids if _is_number(one)]


def _is_number(one: object) -> bool:
    if isinstance(one, str):
        return one.isascii() and one.isdecimal() and len(one) < 10  # noqa: PLR2004 - a small number
    return isinstance(one, int) and not isinstance(one, bool)


def _size(turn: Turn) -> int:
    return estimate_tokens(turn.text) + sum(estimate_tokens(use.name + use.arguments) for use in turn.uses) + 4


def _size_of_tools(tools: Sequence[Tool]) -> int:
    return sum(
        estimate_tokens(one.name + one.description + orjson.dumps(dict(one.parameters)).decode()) for one in tools
    )
