"""An embeddings endpoint that misbehaves is unavailable, and says why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import orjson
import pytest
from aiohttp import web

from recollect.embedders.openai_compatible import BATCH_TEXTS, OpenAICompatibleEmbedder
from recollect.errors import EmbedderUnavailableError


class Endpoint:
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.bodies: list[dict] = []
        self.keys: list[str | None] = []
        self.answer: Callable[[dict], tuple[int, bytes]] = lambda body: (
            200,
            vectors([[1.0, 2.0]] * len(body["input"])),
        )
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        self.bodies.append(body)
        self.keys.append(request.headers.get("Authorization"))
        status, content = self.answer(body)
        return web.Response(status=status, body=content)


def vectors(rows: list[list[float]]) -> bytes:
    return orjson.dumps({"data": [{"index": index, "embedding": row} for index, row in enumerate(rows)]})


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_post("/v1/embeddings", endpoint.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield endpoint
    await runner.cleanup()


@pytest.fixture
async def embedder(endpoint: Endpoint) -> AsyncIterator[OpenAICompatibleEmbedder]:
    embedder = OpenAICompatibleEmbedder(base_url=endpoint.url, model="small", api_key="sk-1")
    yield embedder
    await embedder.close()


async def test_it_asks_as_openai_is_asked(endpoint: Endpoint, embedder: OpenAICompatibleEmbedder):
    await embedder.embed_query("hello")
    assert endpoint.bodies == [{"model": "small", "input": ["hello"]}]
    assert endpoint.keys == ["Bearer sk-1"]
    assert embedder.dimension == 2
    assert embedder.model == "openai:small"


async def test_a_chosen_dimension_is_asked_for_and_part_of_the_name(endpoint: Endpoint):
    embedder = OpenAICompatibleEmbedder(base_url=endpoint.url, model="small", dimension=2)
    await embedder.embed_query("hello")
    assert endpoint.bodies[0]["dimensions"] == 2
    assert embedder.model == "openai:small/2"
    endpoint.answer = lambda body: (200, vectors([[1.0, 2.0, 3.0]]))
    with pytest.raises(EmbedderUnavailableError, match="3 dimensions instead of 2"):
        await embedder.embed_query("hello")
    await embedder.close()


async def test_many_passages_go_in_batches(endpoint: Endpoint, embedder: OpenAICompatibleEmbedder):
    assert len(await embedder.embed_passages(["x"] * (BATCH_TEXTS + 1))) == BATCH_TEXTS + 1
    assert [len(body["input"]) for body in endpoint.bodies] == [BATCH_TEXTS, 1]


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (401, b'{"error": {"message": "bad key"}}', "401.*bad key"),
        (500, b"", "500"),
        (200, b"not json", "embeddings"),
        (200, b'{"data": []}', "0 embeddings for 1"),
        (200, b'{"data": [{"index": 0}]}', "embeddings"),
        (200, b"[1, 2]", "embeddings"),
        (200, vectors([[1.0], [2.0]]), "2 embeddings for 1"),
    ],
)
async def test_a_bad_answer_is_unavailability(
    endpoint: Endpoint, embedder: OpenAICompatibleEmbedder, status: int, content: bytes, said: str
):
    endpoint.answer = lambda body: (status, content)
    with pytest.raises(EmbedderUnavailableError, match=said):
        await embedder.embed_query("hello")


async def test_nobody_there_is_unavailability():
    embedder = OpenAICompatibleEmbedder(base_url="http://127.0.0.1:9/v1", model="small")
    with pytest.raises(EmbedderUnavailableError, match="did not answer"):
        await embedder.embed_query("hello")
    await embedder.close()
