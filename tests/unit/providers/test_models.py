from __future__ import annotations

import asyncio

import orjson
import pytest

from recollect.errors import NotFoundError, UpstreamBrokenError, UpstreamConnectError
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.providers.models import ModelCatalogue, merge_models
from recollect.providers.registry import load_registry, with_overrides

OPENAI = {"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 5, "owned_by": "openai", "x": [1]}]}
OPENROUTER = {"data": [{"id": "openai/gpt-4o", "name": "OpenAI: GPT-4o", "context_length": 128000}, "odd", {"id": 7}]}
GOOGLE = {"object": "list", "data": [{"id": "models/gemini-2.5-flash", "object": "model"}]}


class FakeUpstream:
    """Answers by host; an exception is raised, None never answers."""

    def __init__(self, answers):
        self.answers = answers
        self.requests = []

    async def send(self, request):
        self.requests.append(request)
        answer = next(answer for host, answer in self.answers.items() if host in request.url)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (200, orjson.dumps(answer))
        return InMemoryReply(status, ((b"content-type", b"application/json"),), [body[:10], body[10:]])

    async def close(self):
        pass


def catalogue(answers, keys=("openai",), *, registry=None, default="openai", limit_s=0.05):
    upstream = FakeUpstream(answers)
    made = ModelCatalogue(
        registry or load_registry(), {name: f"sk-{name}" for name in keys}, default, upstream, limit_s=limit_s
    )
    return made, upstream


async def ids(made, key=None):
    document = orjson.loads(await made.list_models(key))
    assert document["object"] == "list"
    return [model["id"] for model in document["data"]]


async def test_models_are_merged_and_prefixed():
    made, upstream = catalogue(
        {"api.openai": OPENAI, "openrouter": OPENROUTER, "googleapis": GOOGLE}, ["openai", "openrouter", "google"]
    )
    assert await ids(made) == [
        "recollect/recall",
        "openai/gpt-4o",
        "google/gemini-2.5-flash",
        "openrouter/openai/gpt-4o",
    ]
    sent = {request.url: dict(request.headers) for request in upstream.requests}
    assert sent["https://openrouter.ai/api/v1/models"][b"authorization"] == b"Bearer sk-openrouter"
    assert sent["https://api.openai.com/v1/models"][b"authorization"] == b"Bearer sk-openai"


def test_the_providers_own_fields_are_kept():
    merged = merge_models({"openai": OPENAI["data"], "openrouter": OPENROUTER["data"][:1]})
    assert merged[1] == {"id": "openai/gpt-4o", "object": "model", "created": 5, "owned_by": "openai", "x": [1]}
    assert merged[2]["context_length"] == 128000
    assert merged[2]["owned_by"] == "openrouter"


@pytest.mark.parametrize(
    "failure",
    [
        None,
        UpstreamConnectError("down"),
        UpstreamBrokenError("cut"),
        (500, b"oops"),
        (200, b"<html>"),
        (200, b'{"data": 7}'),
        (200, b"null"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_one_that_fails_is_left_out(failure):
    made, _ = catalogue({"api.openai": failure, "openrouter": OPENROUTER}, ["openai", "openrouter"])
    assert await ids(made) == ["recollect/recall", "openrouter/openai/gpt-4o"]


async def test_providers_are_asked_at_once():
    made, _ = catalogue({"": None}, ["openai", "openrouter", "google", "groq", "mistral"], limit_s=0.2)
    async with asyncio.timeout(0.9):
        assert await ids(made) == ["recollect/recall"]


async def test_without_keys_nobody_is_asked():
    made, upstream = catalogue({}, [])
    assert await ids(made) == ["recollect/recall"]
    assert upstream.requests == []


async def test_the_requests_key_is_the_default_providers_alone():
    made, upstream = catalogue({"api.openai": OPENAI, "openrouter": OPENROUTER}, ["openrouter"])
    assert "openai/gpt-4o" in await ids(made, "sk-mine")
    sent = {request.url: dict(request.headers)[b"authorization"] for request in upstream.requests}
    assert sent == {
        "https://api.openai.com/v1/models": b"Bearer sk-mine",
        "https://openrouter.ai/api/v1/models": b"Bearer sk-openrouter",
    }


async def test_a_keyless_provider_is_asked_once_it_is_configured():
    registry = with_overrides(load_registry(), {"home": {"base_url": "http://10.0.0.5/v1"}})
    made, upstream = catalogue({"10.0.0.5": OPENAI}, [], registry=registry)
    assert await ids(made) == ["recollect/recall", "home/gpt-4o"]
    assert len(upstream.requests) == 1


async def test_a_keyless_default_provider_is_asked():
    made, _ = catalogue({"11434": OPENAI}, [], default="ollama")
    assert await ids(made) == ["recollect/recall", "ollama/gpt-4o"]


@pytest.mark.parametrize(
    "model", ["openai/gpt-4o", "gpt-4o", "openrouter/openai/gpt-4o", "google/gemini-2.5-flash", "recollect/recall"]
)
async def test_one_model_is_found_as_it_is_spelt(model):
    made, _ = catalogue(
        {"api.openai": OPENAI, "openrouter": OPENROUTER, "googleapis": GOOGLE}, ["openai", "openrouter", "google"]
    )
    assert orjson.loads(await made.find_model(model, None))["id"] == model


async def test_a_slashed_name_is_looked_for_at_a_default_that_has_such():
    made, _ = catalogue({"openrouter": OPENROUTER}, ["openrouter"], default="openrouter")
    assert orjson.loads(await made.find_model("openai/gpt-4o", None))["context_length"] == 128000


@pytest.mark.parametrize("model", ["openai/gpt-9", "nobody/x", "groq/llama", "x"])
async def test_a_model_that_nobody_has(model):
    made, _ = catalogue({"api.openai": OPENAI})
    with pytest.raises(NotFoundError) as caught:
        await made.find_model(model, None)
    assert caught.value.code == "model_not_found"


async def test_a_model_that_its_provider_serves_without_listing_it_is_found():
    answers = {"/models/ft:gpt-4o:me": {"id": "ft:gpt-4o:me", "object": "model", "x": 1}, "api.openai": {"data": []}}
    made, _ = catalogue(answers)
    found = orjson.loads(await made.find_model("ft:gpt-4o:me", None))
    assert found == {"id": "ft:gpt-4o:me", "object": "model", "x": 1}
    assert orjson.loads(await made.find_model("openai/ft:gpt-4o:me", None))["id"] == "openai/ft:gpt-4o:me"
