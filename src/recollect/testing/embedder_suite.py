"""The conformance suite of an embedder: what every implementation must do.

Derive a class from :class:`EmbedderSuite` in a test module, and give it a pytest fixture ``embedder``::

    class TestMyEmbedder(EmbedderSuite):
        @pytest.fixture
        async def embedder(self) -> AsyncIterator[Embedder]:
            embedder = my_embedder()
            yield embedder
            await embedder.close()
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from recollect.embedders.base import Embedder, Embedding

TEXTS = (
    "Alice: I love hiking in the mountains.",
    "yes",
    "",
    "The quarterly report is due on Friday, and the numbers of the northern branch are still missing. " * 8,
    "Ich wandere gern in den Bergen.",
    "我喜欢爬山",
    "🙂 \ud800 broken surrogate",
)
TOLERANCE = 5e-2
"""Between a text embedded alone and in a batch: quantised activations are scaled by what stands beside them."""


class EmbedderSuite:
    """Every promise of :mod:`recollect.embedders.base`, as tests."""

    async def test_a_passage_has_a_unit_vector_of_the_promised_length(self, embedder: Embedder) -> None:
        """Whatever the text, an empty one included."""
        for embedding in await embedder.embed_passages(TEXTS):
            assert embedding.dense.dtype == np.float32
            assert embedding.dense.shape == (embedder.dimension,)
            assert abs(float(np.linalg.norm(embedding.dense)) - 1) < TOLERANCE

    async def test_token_states_come_with_their_ids(self, embedder: Embedder) -> None:
        """As many ids as states, each state as long as the dense vector; or neither."""
        for embedding in await embedder.embed_passages(TEXTS):
            assert (embedding.states is None) == (embedding.state_ids is None)
            if embedding.states is not None and embedding.state_ids is not None:
                assert embedding.states.dtype == np.float32
                assert embedding.states.shape == (len(embedding.state_ids), embedder.dimension)
                assert embedding.state_ids.dtype == np.uint32

    async def test_passages_come_back_in_their_order(self, embedder: Embedder) -> None:
        """However they are batched."""
        together = await embedder.embed_passages(TEXTS)
        for text, embedding in zip(TEXTS, together, strict=True):
            alone = (await embedder.embed_passages([text]))[0]
            assert similarity(alone, embedding) > 1 - TOLERANCE

    async def test_no_passages_give_no_embeddings(self, embedder: Embedder) -> None:
        """An empty batch is no error."""
        assert await embedder.embed_passages([]) == []

    async def test_a_query_lies_in_the_space_of_the_passages(self, embedder: Embedder) -> None:
        """The same words are nearer than others."""
        query = await embedder.embed_query(TEXTS[0])
        same, other = await embedder.embed_passages([TEXTS[0], TEXTS[3]])
        assert similarity(query, same) > similarity(query, other)

    async def test_queries_and_passages_may_be_embedded_at_once(self, embedder: Embedder) -> None:
        """Each gets its own answer."""
        background = asyncio.create_task(embedder.embed_passages(TEXTS))
        queries = await asyncio.gather(*(embedder.embed_query(TEXTS[0]) for _ in range(4)))
        batch = await background
        assert len(batch) == len(TEXTS)
        assert all(similarity(query, batch[0]) > 1 - TOLERANCE for query in queries)

    async def test_tokens_are_counted(self, embedder: Embedder) -> None:
        """Longer texts have more; an empty one has none."""
        counts = embedder.count_tokens([TEXTS[2], TEXTS[1], TEXTS[0], TEXTS[3]])
        assert counts[0] == 0
        assert counts == sorted(counts)
        assert counts[1] >= 1

    async def test_the_model_has_a_name(self, embedder: Embedder) -> None:
        """It is stored with every vector, so that it must not be empty: that means "no model"."""
        assert embedder.model
        assert embedder.model == embedder.model.strip()


def similarity(one: Embedding, other: Embedding) -> float:
    """Cosine of the dense vectors."""
    return float(one.dense @ other.dense)
