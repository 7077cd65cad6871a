"""all-MiniLM-L6-v2: a vector a text, and a vector a token."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from recollect.embedders.base import Embedding
from recollect.embedders.minilm.centring import centred, unit_rows
from recollect.embedders.minilm.graph_names import INPUTS, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import onnxruntime
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

MAX_TOKENS = 256
"""What the model was trained on, special tokens included; longer texts are cut."""
BATCH_TOKENS = 1024
"""Padded tokens in one run: enough for speed, little enough that a batch takes some 50 ms."""
_SPECIAL_TOKENS = 2
_CUT_CHARACTERS = 4096
"""No 256 tokens are longer than this in any text worth reading; it bounds the tokenizer's work."""


class MiniLM:
    """Embeds in two threads: a query never waits behind a batch of passages."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        tokenizer: Tokenizer,
        centre: NDArray[np.float32],
        *,
        model: str,
    ) -> None:
        """Take the loaded graph and tokenizer, the mean direction of token states, and the id of it all."""
        self._session = session
        self._tokenizer = tokenizer
        self._centre = centre
        self._model = model
        self._query_thread = ThreadPoolExecutor(1, "minilm-query")
        self._batch_thread = ThreadPoolExecutor(1, "minilm-batch")

    @property
    def model(self) -> str:
        """Name, numbers and centring: another one means another space."""
        return self._model

    @property
    def dimension(self) -> int:
        """384."""
        return WIDTH

    async def embed_query(self, text: str) -> Embedding:
        """One query; its token states are centred unit vectors."""
        loop = asyncio.get_running_loop()
        return (await loop.run_in_executor(self._query_thread, self._embed, [self._token_ids(text)]))[0]

    async def embed_passages(self, texts: Sequence[str]) -> list[Embedding]:
        """Many passages, those of like length together, batch by batch."""
        loop = asyncio.get_running_loop()
        ids = await loop.run_in_executor(self._batch_thread, lambda: [self._token_ids(text) for text in texts])
        embeddings: dict[int, Embedding] = {}
        for batch in length_batches([len(one) for one in ids], BATCH_TOKENS):
            chosen = [ids[index] for index in batch]
            embedded = await loop.run_in_executor(self._batch_thread, self._embed, chosen)
            embeddings.update(zip(batch, embedded, strict=True))
        return [embeddings[index] for index in range(len(texts))]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """WordPiece tokens of each text, however long."""
        encodings = self._tokenizer.encode_batch_fast([_valid(text) for text in texts], add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    async def close(self) -> None:
        """Let running batches end, refuse new ones."""
        self._query_thread.shutdown(wait=False, cancel_futures=True)
        self._batch_thread.shutdown(wait=False, cancel_futures=True)

    def _token_ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(_valid(text[:_CUT_CHARACTERS])).ids
        return ids if len(ids) <= MAX_TOKENS else [*ids[: MAX_TOKENS - 1], ids[-1]]

    def _embed(self, batch: Sequence[list[int]]) -> list[Embedding]:
        return [
            Embedding(
                dense=unit_rows(states.mean(axis=0)),
                states=centred(states[1:-1], self._centre),
                state_ids=np.array(ids[1:-1], np.uint32),
            )
            for ids, states in zip(batch, token_states(self._session, batch), strict=True)
        ]


def _valid(text: str) -> str:
    """The text without lone surrogates, which JSON can carry and the tokenizer cannot read."""
    return text.encode("utf-8", "replace").decode()


def token_states(session: onnxruntime.InferenceSession, batch: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
    """The last hidden states of each text, special tokens included, padding cut off."""
    longest = max(map(len, batch))
    ids = np.zeros((len(batch), longest), np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(batch):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    (states,) = session.run(None, dict(zip(INPUTS, (ids, mask), strict=True)))
    return [states[row, : len(text)] for row, text in enumerate(batch)]


def length_batches(lengths: Sequence[int], max_padded: int) -> Iterator[list[int]]:
    """Indexes of texts, shortest first, cut so that no batch has more than ``max_padded`` padded tokens."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > max_padded:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
