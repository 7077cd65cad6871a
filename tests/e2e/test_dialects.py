"""Every dialect through every provider, with memory: the SDKs → a gateway → a provider that has one API only."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

from recollect.testing.scripted_provider import Script, ScriptedProvider, ToolCall
from tests.e2e import dialect_speakers as speakers
from tests.e2e import node_sdk
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import GatewayProcess
from tests.e2e.vaults import call, eventually, stored_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = ("anthropic/claude-opus-4-6", "openai/gpt-5.5", "chatonly/m", "responsesonly/m")
PATHS = {
    ("chat", "openai"): "/v1/chat/completions",
    ("responses", "openai"): "/v1/responses",
    ("messages", "openai"): "/v1/chat/completions",
    **dict.fromkeys([(dialect, "anthropic") for dialect in ("chat", "responses", "messages")], "/v1/messages"),
    **dict.fromkeys([(dialect, "chatonly") for dialect in ("chat", "responses", "messages")], "/v1/chat/completions"),
    **dict.fromkeys([(dialect, "responsesonly") for dialect in ("chat", "responses", "messages")], "/v1/responses"),
}
"""Where a dialect's requests arrive, by provider."""
CALLS = (ToolCall("weather", '{"city": "Oslo"}', "call_1"), ToolCall("weather", '{"city": "Rome"}', "call_2"))
CALLED = [["call_1", "weather", "Oslo"], ["call_2", "weather", "Rome"]]
FACT = "My name is Alice and I love hiking"
QUESTION = "What are my hobbies?"
PNG = "iVBORw0KGgo="


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[GatewayProcess]:
    """A gateway with two providers more, which have one API each, at the same address. It tries once: what a failure
    becomes is asked for, one failure at a time."""
    folder = tmp_path_factory.mktemp("dialects")
    settings = folder / "recollect.toml"
    settings.write_text(
        "".join(
            f'[providers.{name}]\nbase_url = "{provider.base_url}"\ndialects = ["{dialect}"]\n'
            for name, dialect in (("chatonly", "chat/completions"), ("responsesonly", "responses"))
        )
        + "[retries]\ntries = 1\n"
    )
    running = GatewayProcess(folder / "data", provider.base_url, flags=("--config", str(settings)))
    running.start()
    running.admin_key = running.create_key(kind="admin")
    yield running
    running.kill()


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return f"dialects {request.node.name}"


def speak(gateway: GatewayProcess, dialect: str, headers: dict[str, str]) -> Any:
    """One of the SDKs' conversations, ready to be had."""
    make = speakers.anthropic_client if dialect == "messages" else speakers.openai_client
    return partial(getattr(speakers, dialect), make(gateway.url, gateway.admin_key, headers))


def headers_of(user: str, session: str) -> dict[str, str]:
    return {"X-Memory-User": user, "X-Memory-Session": session}


@pytest.mark.parametrize("is_streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
def test_tools_and_memory_through_every_bridge(
    bridged: GatewayProcess, provider: ScriptedProvider, user: str, dialect: str, model: str, is_streamed: bool
) -> None:
    told = speak(bridged, dialect, headers_of(user, "monday"))
    provider.then(Script(text="Let me look.", tool_calls=CALLS, thinking="Hm."), Script(text=ANSWER))
    assert told(model, FACT, is_streamed=is_streamed) == (ANSWER, CALLED)
    assert provider.last.path == PATHS[dialect, model.partition("/")[0]]
    assert provider.last.json()["model"] == model.partition("/")[2]
    assert provider.last.body.count(b"cold") == provider.last.body.count(b"warm") == 1
    kept = [FACT, "Let me look.", "cold", "warm", ANSWER]
    assert eventually(lambda: stored_texts(bridged, user) == kept)
    asked = speak(bridged, dialect, headers_of(user, "tuesday"))
    assert asked(model, QUESTION, is_streamed=is_streamed) == (ANSWER, [])
    assert "love hiking" in provider.last.body.decode()


def test_node_speaks_through_every_bridge(bridged: GatewayProcess, provider: ScriptedProvider, user: str) -> None:
    folder = node_sdk.install()
    conversations = 3 * len(MODELS) * 2
    provider.then(*(Script(text="Let me look.", tool_calls=CALLS), Script(text=ANSWER)) * conversations)
    environment = {
        "URL_ROOT": bridged.url,
        "API_KEY": bridged.admin_key,
        "MODELS": json.dumps(MODELS),
        "TEXT": FACT,
        "HEADERS": json.dumps({"X-Memory-User": user}),
        "TOOL_ANSWERS": json.dumps(speakers.TOOL_ANSWERS),
    }
    before = len(provider.requests)
    said = json.loads(node_sdk.run_script(folder, "dialects.mjs", environment))
    assert len(said) == conversations
    for one in said:
        assert (one["text"], one["calls"]) == (ANSWER, CALLED), one
    paths = [request.path for request in provider.requests[before:]]
    expected = [PATHS[one["dialect"], one["model"].partition("/")[0]] for one in said]
    assert paths == [path for path in expected for _ in range(2)]


@pytest.mark.parametrize("model", MODELS)
def test_a_conversation_goes_on_in_another_dialect(
    bridged: GatewayProcess, provider: ScriptedProvider, user: str, model: str
) -> None:
    """What one SDK stored, another one sends again: it is known."""
    headers = {"X-Memory-User": user}
    with speakers.anthropic_client(bridged.url, bridged.admin_key, headers) as client:
        client.messages.create(model=model, max_tokens=99, messages=[{"role": "user", "content": FACT}])
    turns: list[Any] = [
        {"role": "user", "content": FACT},
        {"role": "assistant", "content": ANSWER},
        {"role": "user", "content": "And now?"},
    ]
    with speakers.openai_client(bridged.url, bridged.admin_key, headers) as client:
        client.chat.completions.create(model=model, messages=turns)
        client.responses.create(model=model, input=turns)
    assert stored_texts(bridged, user) == [FACT, ANSWER, "And now?", ANSWER]
    assert len(call(bridged, "GET", f"sessions?user={user}")["data"]) == 1


@pytest.mark.parametrize("model", ["anthropic/claude-opus-4-6", "openai/gpt-5.5", "chatonly/m"])
def test_pictures(bridged: GatewayProcess, provider: ScriptedProvider, user: str, model: str) -> None:
    url, words = f"data:image/png;base64,{PNG}", "What is this?"
    headers = {"X-Memory-User": user}
    with speakers.openai_client(bridged.url, bridged.admin_key, headers) as client:
        parts: list[Any] = [{"type": "text", "text": words}, {"type": "image_url", "image_url": {"url": url}}]
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
        assert PNG in provider.last.body.decode()
        items: list[Any] = [{"type": "input_text", "text": words}, {"type": "input_image", "image_url": url}]
        client.responses.create(model=model, input=[{"role": "user", "content": items}])
        assert PNG in provider.last.body.decode()
    with speakers.anthropic_client(bridged.url, bridged.admin_key, headers) as client:
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        blocks: list[Any] = [{"type": "image", "source": source}, {"type": "text", "text": words}]
        client.messages.create(model=model, max_tokens=9, messages=[{"role": "user", "content": blocks}])
        assert PNG in provider.last.body.decode()


@pytest.mark.parametrize("model", MODELS)
def test_errors_raise_each_sdks_own_exceptions(bridged: GatewayProcess, provider: ScriptedProvider, model: str) -> None:
    failures = (Script(status=429, headers=(("retry-after", "7"),)), Script(status=401), Script(status=500))
    turns: list[Any] = [{"role": "user", "content": "hi"}]
    with speakers.openai_client(bridged.url, bridged.admin_key, {"X-Memory-Mode": "off"}) as client:
        kinds = (openai.RateLimitError, openai.AuthenticationError, openai.InternalServerError)
        for kind, failure in zip(kinds, failures, strict=True):
            provider.then(failure, failure)
            with pytest.raises(kind, match=f"scripted {failure.status}"):
                client.chat.completions.create(model=model, messages=turns)
            with pytest.raises(kind, match=f"scripted {failure.status}"):
                client.responses.create(model=model, input="hi")
    with speakers.anthropic_client(bridged.url, bridged.admin_key, {"X-Memory-Mode": "off"}) as client:
        ours = (anthropic.RateLimitError, anthropic.AuthenticationError, anthropic.InternalServerError)
        for wanted, failure in zip(ours, failures, strict=True):
            provider.then(failure)
            with pytest.raises(wanted, match=f"scripted {failure.status}") as raised:
                client.messages.create(model=model, max_tokens=9, messages=turns)
            assert isinstance(raised.value.body, dict)
            assert raised.value.body["type"] == "error"
