"""Any endpoint that speaks OpenAI's ``POST /v1/embeddings``: a vector a text, none a token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import aiohttp
import numpy as np
import orjson

from recollect.embedders.base import Embedding
from recollect.errors import EmbedderUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BATCH_TEXTS = 64
MOST_CHARACTERS = 24_000
"""Longer texts are cut: endpoints refuse what is over their context, mostly 8,192 tokens."""
CHARACTERS_PER_TOKEN = 3.6
QUERY_TIMEOUT_S = 10.0
BATCH_TIMEOUT_S = 120.0
_OK = 200
_QUOTED_BYTES = 300
_wide = re.compile("[\u2e80-\uffff]")


class OpenAICompatibleEmbedder:
    """Asks an endpoint, over one pool of connections that is opened at the first use."""

    def __init__(self, *, base_url: str, model: str, api_key: str | None = None, dimension: int | None = None) -> None:
        """Take the URL up to and including ``/v1``, the model's name there, its key, and the length of vector to
        ask for (None: the model's own, known after its first answer)."""
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._name = model
        self._asked = dimension
        self._dimension = dimension or 0
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._session: aiohttp.ClientSession | None = None

    @property
    def model(self) -> str:
        """The endpoint's model; the URL is no part of it, since the same model may move."""
        return f"openai:{self._name}" if self._asked is None else f"openai:{self._name}/{self._asked}"

    @property
    def dimension(self) -> int:
        """Length of the vectors; 0 before the first answer, where it was not given."""
        return self._dimension

    async def embed_query(self, text: str) -> Embedding:
        """One query."""
        return (await self._embed([text], QUERY_TIMEOUT_S))[0]

    async def embed_passages(self, texts: Sequence[str]) -> list[Embedding]:
        """Many passages, some to a request."""
        embedded: list[Embedding] = []
        for start in range(0, len(texts), BATCH_TEXTS):
            embedded.extend(await self._embed(texts[start : start + BATCH_TEXTS], BATCH_TIMEOUT_S))
        return embedded

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate: a wide (CJK) character is a token, 3.6 others make one."""
        counts = []
        for text in texts:
            wide = len(_wide.findall(text))
            counts.append(round(wide + (len(text) - wide) / CHARACTERS_PER_TOKEN))
        return counts

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _embed(self, texts: Sequence[str], timeout_s: float) -> list[Embedding]:
        body: dict[str, object] = {"model": self._name, "input": [_acceptable(text) for text in texts]}
        if self._asked is not None:
            body["dimensions"] = self._asked
        try:
            reply = await self._post(orjson.dumps(body), timeout_s)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unavailable(self._url, f"did not answer ({type(error).__name__}: {error}).") from error
        vectors = self._vectors(reply, len(texts))
        self._dimension = vectors.shape[1]
        return [Embedding(dense=vector) for vector in vectors]

    async def _post(self, body: bytes, timeout_s: float) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=True)
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self._session.post(self._url, data=body, headers=self._headers, timeout=timeout) as reply:
            content = await reply.read()
            if reply.status != _OK:
                quoted = content[:_QUOTED_BYTES].decode("utf-8", "replace")
                raise _unavailable(self._url, f"answered {reply.status}: {quoted}")
            return content

    def _vectors(self, reply: bytes, count: int) -> NDArray[np.float32]:
        """Unit vectors in the order of the texts, whatever the order of the reply."""
        try:
            entries = sorted(orjson.loads(reply)["data"], key=lambda entry: entry["index"])
            vectors = np.array([entry["embedding"] for entry in entries], np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise _unavailable(self._url, f"did not answer with embeddings ({error}).") from error
        if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1]:  # noqa: PLR2004  a row a text
            raise _unavailable(self._url, f"answered with {len(vectors)} embeddings for {count} texts.")
        if self._asked is not None and vectors.shape[1] != self._asked:
            raise _unavailable(
                self._url, f"answered with {vectors.shape[1]} dimensions instead of {self._asked}: correct the setting."
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def _acceptable(text: str) -> str:
    """A text as endpoints take it: not empty, not too long, valid Unicode."""
    return text[:MOST_CHARACTERS].encode("utf-8", "replace").decode() or " "


def _unavailable(url: str, what: str) -> EmbedderUnavailableError:
    return EmbedderUnavailableError(f"The embeddings endpoint {url} {what}")
