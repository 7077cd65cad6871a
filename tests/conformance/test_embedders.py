"""Every embedder keeps every promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest
from aiohttp import web

from recollect.embedders.minilm import load_minilm
from recollect.embedders.openai_compatible import OpenAICompatibleEmbedder
from recollect.testing.embedder_suite import EmbedderSuite
from recollect.testing.hashing_embedder import HashingEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from recollect.embedders.base import Embedder


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


class TestMiniLM(EmbedderSuite):
    @pytest.fixture
    async def embedder(self, cache_dir: Path) -> AsyncIterator[Embedder]:
        embedder = load_minilm(cache_dir, may_download=False)
        yield embedder
        await embedder.close()


class TestHashingEmbedder(EmbedderSuite):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return HashingEmbedder()


class TestOpenAICompatible(EmbedderSuite):
    @pytest.fixture
    async def embedder(self) -> AsyncIterator[Embedder]:
        inner = HashingEmbedder(48, has_states=False)

        async def embeddings(request: web.Request) -> web.Response:
            texts = orjson.loads(await request.read())["input"]
            assert all(texts)
            found = await inner.embed_passages(texts)
            data = [
                {"object": "embedding", "index": index, "embedding": (one.dense * 3).tolist()}
                for index, one in reversed(list(enumerate(found)))
            ]
            return web.Response(body=orjson.dumps({"object": "list", "data": data}), content_type="application/json")

        app = web.Application()
        app.router.add_post("/v1/embeddings", embeddings)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        embedder = OpenAICompatibleEmbedder(base_url=f"http://127.0.0.1:{port}/v1/", model="some", dimension=48)
        yield embedder
        await embedder.close()
        await runner.cleanup()


async def test_minilm_knows_that_hiking_is_a_hobby(cache_dir: Path) -> None:
    embedder = load_minilm(cache_dir, may_download=False)
    query = await embedder.embed_query("What are my hobbies?")
    hiking, taxes = await embedder.embed_passages(["I love hiking", "The tax return is due in May"])
    assert float(np.dot(query.dense, hiking.dense)) > float(np.dot(query.dense, taxes.dense)) + 0.1
    await embedder.close()
