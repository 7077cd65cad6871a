"""The promise of an embedder: a vector a text and, where the model can, a vector a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Embedding:
    """``dense``: float32 (dimension,), unit length. ``states``: float32 (tokens, dimension), the
    contextual vector of each token without special tokens, or None. ``state_ids``: uint32 (tokens,)."""

    dense: NDArray[np.float32]
    states: NDArray[np.float32] | None = None
    state_ids: NDArray[np.uint32] | None = None


class Embedder(Protocol):
    """Embeds without blocking the event loop; raises EmbedderUnavailableError where it cannot."""

    @property
    def model(self) -> str:
        """Identifies model and preparation; stored with every vector: another id means another space."""

    @property
    def dimension(self) -> int:
        """Length of the vectors."""

    async def embed_query(self, text: str) -> Embedding:
        """One query, as fast as possible."""

    async def embed_passages(self, texts: Sequence[str]) -> list[Embedding]:
        """Many passages, in the background."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many of the model's tokens each text has, special tokens not counted."""

    async def close(self) -> None:
        """Release the model."""
