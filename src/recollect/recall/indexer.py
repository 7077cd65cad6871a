"""From messages to passages with everything that recall needs of them: the background worker's half of recall."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall.derivation import derive
from recollect.recall.packed_states import pack_states
from recollect.recall.passages import split_message
from recollect.recall.terms import index_terms, term_hashes
from recollect.stores.base import PassageRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from recollect.domain.messages import StoredMessage
    from recollect.embedders.base import Embedder, Embedding
    from recollect.recall.passages import Passage

MOST_PASSAGES = 400
"""Of one message; what lies behind is kept, but not recalled."""
CHARACTERS_PER_TOKEN = 3.6
"""An estimate on the safe side, used without a model that counts."""
RENDERING_TOKENS = 1
"""The line break of a rendered line."""


class PassageIndexer:
    """Cuts, derives, embeds."""

    def __init__(self, embedder: Embedder | None) -> None:
        """Take the embedder, or None for an index of words alone."""
        self._embedder = embedder

    @property
    def model(self) -> str:
        """What is written into every row: passages of another model are stale."""
        return self._embedder.model if self._embedder else ""

    async def index(self, messages: Sequence[StoredMessage]) -> list[PassageRow]:
        """The passages of some messages, in order. EmbedderUnavailableError where the model cannot be used."""
        cut = [(message, passage) for message in messages for passage in split_message(message.text)[:MOST_PASSAGES]]
        embeddings: Sequence[Embedding | None] = [None] * len(cut)
        counts: Sequence[int | None] = [None] * len(cut)
        if self._embedder is not None and cut:
            embeddings = await self._embedder.embed_passages([embedded_text(*one) for one in cut])
            rendered = [
                spoken_text(message.name or message.role, message.text[one.start : one.end]) for message, one in cut
            ]
            counts = await asyncio.to_thread(self._embedder.count_tokens, rendered)
        rows = []
        pieces: dict[int, int] = {}
        for (message, passage), embedding, count in zip(cut, embeddings, counts, strict=True):
            piece = pieces[message.number] = pieces.get(message.number, -1) + 1
            row = lexical_row(
                message.text, speaker_of(message), passage, message.occurred_at.date(), (message.number, piece)
            )
            rows.append(row if embedding is None else self._with_vectors(row, embedding, count))
        return rows

    def _with_vectors(self, row: PassageRow, embedding: Embedding, count: int | None) -> PassageRow:
        has_states = embedding.states is not None and embedding.state_ids is not None
        return row._replace(
            model=self.model,
            tokens=row.tokens if count is None else count + RENDERING_TOKENS,
            dense=quantised(embedding.dense),
            states=pack_states(embedding.states).tobytes() if has_states and embedding.states is not None else b"",
            state_ids=embedding.state_ids.astype("<u2").tobytes() if embedding.state_ids is not None else b"",
        )


def lexical_row(text: str, speaker: str, passage: Passage, said_on: date, place: tuple[int, int]) -> PassageRow:
    """A passage without vectors. ``place`` is message number and piece."""
    body = text[passage.start : passage.end]
    terms, language = index_terms(body)
    named = index_terms(speaker, language)[0] if speaker else []
    return PassageRow(
        message_number=place[0],
        piece=place[1],
        start=passage.start,
        end=passage.end,
        tokens=estimated_tokens(spoken_text(speaker, body)),
        model="",
        terms=np.array(term_hashes([*named, *terms]), "<u4").tobytes(),
        dense=b"",
        states=b"",
        state_ids=b"",
        extra=derive(body, language, said_on).to_bytes(),
    )


def embedded_text(message: StoredMessage, passage: Passage) -> str:
    """What the model reads: who speaks, the heading that a piece stands under, and the piece."""
    heading = message.text[passage.heading_start : passage.heading_end].strip("#* \n\t")
    body = message.text[passage.start : passage.end]
    return spoken_text(speaker_of(message), f"{heading}\n{body}" if heading and heading not in body else body)


def spoken_text(speaker: str, text: str) -> str:
    """``speaker: text``, as a transcript has it."""
    return f"{speaker}: {text}" if speaker else text


def speaker_of(message: StoredMessage) -> str:
    """The name under which a message was said, "" where only its role is known."""
    return message.name or ""


def estimated_tokens(text: str) -> int:
    """Tokens of a text, roughly: a CJK character is one, 3.6 others make one."""
    wide = sum(character > "\u2e7f" for character in text)
    return round(wide + (len(text) - wide) / CHARACTERS_PER_TOKEN) + RENDERING_TOKENS


def quantised(dense: np.ndarray[tuple[int], np.dtype[np.float32]]) -> bytes:
    """A unit vector as int8, 127 standing for 1."""
    return np.clip(np.rint(dense * 127), -127, 127).astype(np.int8).tobytes()
