"""Keeps embeddings on disk between runs, so that ranking can be measured without the model's time."""

from __future__ import annotations

import hashlib
import pickle
from typing import TYPE_CHECKING

import numpy as np

from recollect.embedders.base import Embedding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recollect.embedders.base import Embedder


class CachedEmbedder:
    """Passes on what is not in its file; of a passage's states only the signs are kept."""

    def __init__(self, inner: Embedder, path: Path) -> None:
        """Take the embedder and the file."""
        self._inner = inner
        self._path = path
        self._known: dict[bytes, tuple[bytes, bytes, bytes]] = {}
        self._queries: dict[bytes, Embedding] = {}
        if path.is_file():
            self._known, self._queries = pickle.loads(path.read_bytes())  # noqa: S301  our own file
        self._has_news = False

    @property
    def model(self) -> str:
        """The inner model's."""
        return self._inner.model

    @property
    def dimension(self) -> int:
        """The inner model's."""
        return self._inner.dimension

    async def embed_query(self, text: str) -> Embedding:
        """From the file, or now."""
        key = self._key(text)
        if key not in self._queries:
            self._queries[key] = await self._inner.embed_query(text)
            self._has_news = True
        return self._queries[key]

    async def embed_passages(self, texts: Sequence[str]) -> list[Embedding]:
        """From the file, or now."""
        missing = [text for text in dict.fromkeys(texts) if self._key(text) not in self._known]
        for text, one in zip(missing, await self._inner.embed_passages(missing), strict=True):
            packed = np.packbits(one.states > 0, axis=1).tobytes() if one.states is not None else b""
            ids = one.state_ids.astype("<u2").tobytes() if one.state_ids is not None else b""
            self._known[self._key(text)] = (one.dense.astype("<f4").tobytes(), packed, ids)
            self._has_news = True
        return [self._unpacked(self._known[self._key(text)]) for text in texts]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The inner model's count."""
        return self._inner.count_tokens(texts)

    async def close(self) -> None:
        """Write the file."""
        if self._has_news:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(pickle.dumps((self._known, self._queries)))

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.model}\0{text}".encode()).digest()[:16]

    def _unpacked(self, entry: tuple[bytes, bytes, bytes]) -> Embedding:
        dense, packed, ids = entry
        if not packed:
            return Embedding(np.frombuffer(dense, "<f4"))
        bits = np.frombuffer(packed, np.uint8).reshape(-1, self.dimension // 8)
        signs = np.unpackbits(bits, axis=1).astype(np.float32) * 2 - 1
        return Embedding(np.frombuffer(dense, "<f4"), signs, np.frombuffer(ids, "<u2").astype(np.uint32))
