"""What is known of a request's head: the same answer as if it were read anew."""

from __future__ import annotations

import asyncio
import json

import pytest

from recollect.domain.ids import KeyId
from recollect.domain.keys import KeyKind, MemoryKey, MemoryMode
from recollect.errors import AuthenticationError
from recollect.exchange.authenticate import LOCAL_PROJECT
from recollect.exchange.head import RequestHead
from recollect.exchange.ports import IncomingRequest
from recollect.wire.memory_key import digest, new_secret
from tests.unit.exchange.conftest import Sink

MEMORY_KEY = b"Bearer mk_" + b"k" * 43


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([(b"authorization", b"Bearer sk-1")], "sk-1"),
        ([(b"authorization", b"bearer  sk-1 ")], "sk-1"),
        ([(b"authorization", MEMORY_KEY), (b"api-key", b"azure")], "azure"),
        ([(b"authorization", MEMORY_KEY), (b"x-provider-key", b"sk-2"), (b"x-api-key", b"sk-3")], "sk-2"),
        ([(b"x-provider-key", b"first"), (b"x-provider-key", b"second")], "first"),
        ([(b"x-provider-key", b""), (b"x-api-key", b"sk-3")], "sk-3"),
        ([(b"authorization", MEMORY_KEY)], None),
        ([(b"accept", b"*/*")], None),
    ],
)
def test_the_key_for_the_provider(headers: list[tuple[bytes, bytes]], key: str | None) -> None:
    assert RequestHead(headers).provider_key == key


class TestBetweenRequests:
    """Requests of one connection, whose head is the same."""

    async def test_a_body_is_heard_beside_a_head_that_is_known(self, gateway) -> None:
        client = Client(gateway, (b"x-memory-user", b"ann"))
        await client.says("one")
        await client.says("two", user="bob")
        await client.says("three", memory_mode="off")
        await client.says("four")
        assert await gateway.texts("ann") == ["one", "ok", "four", "ok"]
        assert await gateway.texts("bob") == ["two", "ok"]

    async def test_a_query_is_heard_beside_a_head_that_is_known(self, gateway) -> None:
        client = Client(gateway)
        await client.says("one")
        await client.says("two", query="memory=off")
        assert await gateway.texts() == ["one", "ok"]

    async def test_a_key_that_is_revoked_ends_with_the_moment_that_it_is_kept(self, gateway, monkeypatch) -> None:
        monkeypatch.setattr("recollect.exchange.authenticate.CACHE_S", 0.05)
        secret = new_secret()
        key = MemoryKey(KeyId("key_1"), LOCAL_PROJECT, digest(secret), KeyKind.CLIENT, MemoryMode.FULL, gateway.clock())
        await gateway.store.keys.create_key(key)
        client = Client(gateway, (b"authorization", f"Bearer {secret}".encode()))
        await client.says("one")
        await gateway.store.keys.revoke_key(LOCAL_PROJECT, key.id, gateway.clock())
        await asyncio.sleep(0.1)
        with pytest.raises(AuthenticationError):
            await client.says("two")

    async def test_the_provider_gets_the_same_headers_each_time(self, gateway) -> None:
        client = Client(gateway, (b"x-memory-mode", b"off"), (b"openai-organization", b"org"))
        await client.says("one")
        await client.says("two")
        first, second = (request.headers for request in gateway.upstream.requests)
        assert first == second
        assert (b"openai-organization", b"org") in second


class Client:
    """Sends conversations over one connection."""

    def __init__(self, gateway, *headers: tuple[bytes, bytes]) -> None:
        self._gateway = gateway
        self._head = RequestHead([(b"content-type", b"application/json"), *headers])

    async def says(self, text: str, *, query: str = "", **members: object) -> None:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **members}).encode()
        headers = (*self._head.headers, (b"content-length", b"%d" % len(body)))
        request = IncomingRequest(
            "POST", "chat/completions", query, headers, body, client_is_loopback=True, known=self._head
        )
        await self._gateway.pipeline.handle(request, Sink())
        await self._gateway.pipeline.drain()
