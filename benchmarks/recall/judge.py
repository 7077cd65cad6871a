"""Answers from what was injected, scored by a model: for those who have a key.

The figure is the share of questions whose answer the judge calls right. It depends on the models as much as on
recall, so compare it only with figures of the same model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from openai import OpenAI

if TYPE_CHECKING:
    from benchmarks.recall.conversations import Question

ANSWER = """Answer the question from the memories alone, in one sentence. If they do not tell, say "I don't know".

Memories:
{context}

Today is {today}.
Question: {question}"""

VERDICT = """Is the answer right? It is, where it says what the expected answer says, in whatever words, and nothing
that contradicts it. Dates may be written in any way. Reply with one word: yes or no.

Question: {question}
Expected: {expected}
Answer: {answer}"""


@dataclass(frozen=True, slots=True)
class Judge:
    """Two calls a question, both at temperature 0, to one OpenAI-compatible endpoint."""

    client: OpenAI
    model: str

    def is_right(self, question: Question, context: str) -> bool:
        """Whether a model that sees the context answers as expected. An error of the endpoint ends the run."""
        asked = ANSWER.format(context=context or "(none)", today=question.asked_at or "unknown", question=question.text)
        verdict = VERDICT.format(question=question.text, expected=question.answer, answer=self._ask(asked))
        return self._ask(verdict).strip().lower().startswith("yes")

    def _ask(self, text: str) -> str:
        reply = self.client.chat.completions.create(
            model=self.model, messages=[{"role": "user", "content": text}], temperature=0
        )
        return reply.choices[0].message.content or ""


def judge_of(model: str, base_url: str | None) -> Judge:
    """The key comes from OPENAI_API_KEY, as the SDK reads it."""
    return Judge(OpenAI(base_url=base_url), model)
