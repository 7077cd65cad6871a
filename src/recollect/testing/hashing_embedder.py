"""An embedder without a model: the same word gets the same direction, different words nearly orthogonal ones."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

import numpy as np

from recollect.embedders.base import Embedding
from recollect.errors import EmbedderUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

_word = re.compile(r"\w+")
_VOCABULARY = 1 << 16


class HashingEmbedder:
    """Deterministic, instant, offline. Texts are as similar as they share words.

    ``is_failing`` makes every call raise EmbedderUnavailableError until it is set back.
    """

    def __init__(self, dimension: int = 64, *, model: str = "hashing", has_states: bool = True) -> None:
        """Take the length of the vectors, the id, and whether there are token states."""
        self._dimension = dimension
        self._model = model
        self._has_states = has_states
        self.is_failing = False
        self.embedded: list[str] = []

    @property
    def model(self) -> str:
        """The id that was given."""
        return self._model

    @property
    def dimension(self) -> int:
        """The length that was given."""
        return self._dimension

    async def embed_query(self, text: str) -> Embedding:
        """One text."""
        return self._embed(text)

    async def embed_passages(self, texts: Sequence[str]) -> list[Embedding]:
        """Many texts, kept in ``embedded``."""
        embeddings = [self._embed(text) for text in texts]
        self.embedded.extend(texts)
        return embeddings

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words."""
        return [len(_word.findall(text)) for text in texts]

    async def close(self) -> None:
        """Nothing to release."""

    def _embed(self, text: str) -> Embedding:
        if self.is_failing:
            message = "The hashing embedder was told to fail."
            raise EmbedderUnavailableError(message)
        words = _word.findall(text.lower()) or [""]
        states = np.stack([self._direction(word) for word in words])
        dense = states.sum(axis=0)
        dense = np.asarray(dense / np.linalg.norm(dense), np.float32)
        if not self._has_states:
            return Embedding(dense)
        ids = np.array([zlib.crc32(word.encode()) % _VOCABULARY for word in words], np.uint32)
        return Embedding(dense, states, ids)

    def _direction(self, word: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        vector = np.random.default_rng(zlib.crc32(word.encode())).standard_normal(self._dimension)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)
