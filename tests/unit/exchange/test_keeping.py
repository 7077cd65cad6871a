"""What is kept of an exchange so that it can be replayed, and what is not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

HEADERS = (
    (b"authorization", b"Bearer sk-secret"),
    (b"cookie", b"session=secret"),
    (b"x-provider-key", b"sk-secret"),
    (b"x-memory-timezone", b"Europe/Berlin"),
    (b"x-unheard-of-credential", b"secret"),
    (b"openai-project", b"p"),
)


class Shelf:
    def __init__(self):
        self.kept = []

    def keep(self, bodies):
        self.kept.append(bodies)

    def ended(self, record):
        pass


@pytest.fixture
def shelf(gateway):
    shelf = Shelf()
    gateway.pipeline._settings = replace(gateway.pipeline._settings, watchers=(shelf,), keeper=shelf)
    return shelf


def chat(text, **fields):
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **fields}).encode()


async def test_the_client_s_own_body_and_the_answer(gateway, shelf):
    await gateway.post(chat("I love hiking"))
    gateway.clock.advance(3600)
    body = chat("Shall we go hiking?")
    sink = await gateway.post(body, headers=HEADERS, query="memory_strategy=low_latency&api-version=1&key=secret")
    one = shelf.kept[-1]
    assert (one.id, one.user, one.path) == (sink.headers["x-memory-request-id"], "default", "chat/completions")
    assert (one.request, one.reply) == (body, b"ok")
    assert one.query == "memory_strategy=low_latency&api-version=1"
    assert dict(one.headers) == {
        "content-type": "application/json",
        "x-memory-timezone": "Europe/Berlin",
        "openai-project": "p",
    }
    assert "secret" not in repr(one)


@pytest.mark.parametrize(
    "controls",
    [
        {"headers": ((b"x-memory-mode", b"off"),)},
        {"headers": ((b"x-memory-mode", b"read"),)},
        {"headers": ((b"x-memory-store", b"input"),)},
        {"headers": ((b"x-memory-store", b"none"),)},
        {"body": json.dumps({"model": "m", "messages": [{"role": "user", "content": "a", "memory": False}]}).encode()},
        {"path": "embeddings"},
    ],
)
async def test_what_is_not_all_stored_is_not_kept(gateway, shelf, controls):
    await gateway.post(controls.pop("body", chat("hi")), **controls)
    assert shelf.kept == []


async def test_without_a_keeper_nothing_is_made_of_it(gateway):
    await gateway.post(chat("hi"))
    assert gateway.pipeline._settings.keeper is None
