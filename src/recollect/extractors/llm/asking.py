"""One call to the model, with its repair: in the strictest form that the endpoint takes, within what is allowed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.domain.chat import Question, estimate_tokens
from recollect.errors import (
    ExtractorUnavailableError,
    ModelRefusedError,
    ModelReplyError,
    UpstreamBrokenError,
    UpstreamConnectError,
    UpstreamTimeoutError,
)
from recollect.extractors.llm.prompt import Form, Wishes, repair_turns, turns_for
from recollect.extractors.llm.reading import UnreadableError, read_notes
from recollect.extractors.llm.schema import answer_format

if TYPE_CHECKING:
    from recollect.domain.chat import Answer, ChatModel, Turn
    from recollect.extractors.llm.allowance import DailyTokens, Pace
    from recollect.extractors.llm.prompt import Piece
    from recollect.extractors.llm.reading import Notes

logger = logging.getLogger(__name__)

MOST_ANSWER_TOKENS = 3000
FAULT_OF_THE_QUESTION = frozenset({400, 413, 422})
"""What an endpoint answers to a form that it does not take, or to a text that it will not read."""
REST_S = 10.0
"""For an endpoint that answers 429 or 503 and does not say how long."""
_BUSY = frozenset({429, 503})


@dataclass(slots=True)
class Asker:
    """Asks one endpoint, and remembers which form of answer it takes. ``timeout_s`` bounds a call with its repair."""

    model: ChatModel
    daily: DailyTokens
    pace: Pace
    timeout_s: float
    form: Form = Form.SCHEMA

    async def notes(self, piece: Piece, wishes: Wishes) -> Notes:
        """The notes on one piece.

        ExtractorUnavailableError where the endpoint is away, late, busy, or used up for today; ModelReplyError where
        its answer cannot be read after one repair, or where it refuses these messages.
        """
        is_answered = False
        try:
            async with asyncio.timeout(self.timeout_s):
                turns, answer = await self._first(piece, wishes)
                is_answered = True
                try:
                    return read_notes(answer.text, is_cut=answer.is_cut)
                except UnreadableError as problem:
                    logger.info("the extractor's answer could not be read (%s); asking once more", problem)
                    return await self._repaired(turns, answer, str(problem))
        except TimeoutError as error:
            message = f"The extractor's model {self.model.name} did not answer within {self.timeout_s:.0f} s."
            if is_answered:
                raise ModelReplyError(message) from error
            raise ExtractorUnavailableError(message) from error
        except (UpstreamConnectError, UpstreamTimeoutError, UpstreamBrokenError) as error:
            message = f"The extractor's endpoint is away: {error}"
            raise ExtractorUnavailableError(message) from error

    async def _first(self, piece: Piece, wishes: Wishes) -> tuple[tuple[Turn, ...], Answer]:
        """Ask in a looser form where the endpoint refuses this one; the form that it takes is kept."""
        form = self.form
        while True:
            turns = turns_for(piece, form, wishes)
            try:
                answer = await self._ask(turns, form)
            except ModelRefusedError as error:
                looser = form.looser
                if error.answered not in FAULT_OF_THE_QUESTION:
                    raise self._away(error) from error
                if looser is None:
                    message = f"{error.message} It refuses these messages in every form of answer."
                    raise ModelReplyError(message) from error
                form = looser
                continue
            self.form = form
            return turns, answer

    async def _repaired(self, turns: tuple[Turn, ...], answer: Answer, problem: str) -> Notes:
        await asyncio.sleep(self.pace.wait_s())
        try:
            second = await self._ask((*turns, *repair_turns(answer.text, problem)), self.form)
            return read_notes(second.text, is_cut=second.is_cut)
        except UnreadableError as error:
            message = f"What the model {self.model.name} answered cannot be read, also after a repair: {error}."
            raise ModelReplyError(message) from error
        except ModelRefusedError as error:
            if error.answered in FAULT_OF_THE_QUESTION:
                raise ModelReplyError(error.message) from error
            raise self._away(error) from error

    async def _ask(self, turns: tuple[Turn, ...], form: Form) -> Answer:
        """Ask, and count: what the endpoint says it used, or what was sent where it does not say."""
        sent = sum(estimate_tokens(turn.text) for turn in turns)
        await asyncio.to_thread(self.daily.check, sent)
        self.pace.note()
        used: int | None = None
        refused = False
        try:
            answer = await self.model.ask(
                Question(turns, answer_format=answer_format(form), most_tokens=MOST_ANSWER_TOKENS)
            )
            used = answer.tokens if answer.tokens is not None else sent + estimate_tokens(answer.text)
        except (ModelRefusedError, UpstreamConnectError):
            refused = True
            raise
        finally:
            if not refused:
                self.daily.add(sent if used is None else used)
        return answer

    def _away(self, error: ModelRefusedError) -> ExtractorUnavailableError:
        rest_s = error.retry_after_s
        if rest_s is None and error.answered in _BUSY:
            rest_s = REST_S
        if rest_s is not None:
            self.pace.rest(rest_s)
        return ExtractorUnavailableError(error.message, retry_after_s=rest_s)
