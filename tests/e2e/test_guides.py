"""What guides to OpenAI-compatible APIs show, with only host and key changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script, ToolCall
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import UPSTREAM_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

HELLO: list[Any] = [{"role": "user", "content": "Hello!"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get current weather for a location",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string", "description": "City name"}},
            "required": ["location"],
        },
    },
}


@pytest.fixture
def key(gateway: GatewayProcess) -> str:
    """A memory key with a vault of its own."""
    return gateway.create_key(kind="client")


@pytest.fixture
def client(gateway: GatewayProcess, key: str) -> Iterator[OpenAI]:
    """The SDK, unmodified."""
    with OpenAI(base_url=gateway.base_url, api_key=key, max_retries=0) as made:
        yield made


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/api/v1", "/openai/v1"])
@pytest.mark.parametrize("model", ["llama-3.3-70b-versatile", "openai/gpt-4o-mini"])
def test_base_urls_and_models_of_other_providers(
    gateway: GatewayProcess, provider: ScriptedProvider, key: str, path: str, model: str
) -> None:
    with OpenAI(base_url=f"{gateway.url}{path}", api_key=key, max_retries=0) as client:
        response = client.chat.completions.create(model=model, messages=HELLO)
    assert response.choices[0].message.content == ANSWER
    assert provider.last.path == "/v1/chat/completions"
    assert provider.last.json()["model"] == model.removeprefix("openai/")
    assert provider.last.header("authorization") == f"Bearer {UPSTREAM_KEY}"


def test_usage_and_structure_are_the_providers(client: OpenAI, provider: ScriptedProvider) -> None:
    with OpenAI(base_url=provider.base_url, api_key="sk", max_retries=0) as plain:
        direct = plain.chat.completions.create(model="gpt-4o", messages=HELLO)
    through = client.chat.completions.create(model="openai/gpt-4o", messages=HELLO)
    assert through.model_dump(exclude={"id"}) == direct.model_dump(exclude={"id"})


def test_models_are_listed_with_their_providers_names(client: OpenAI) -> None:
    names = [model.id for model in client.models.list().data]
    assert "openai/gpt-4o-mini" in names
    assert "recollect/recall" in names
    assert client.models.retrieve("openai/gpt-4o-mini").object == "model"


def test_embeddings(client: OpenAI, provider: ScriptedProvider) -> None:
    reply = client.embeddings.create(model="openai/text-embedding-3-small", input="Hello world")
    assert len(reply.data[0].embedding) > 0
    assert provider.last.json()["model"] == "text-embedding-3-small"


def test_parameters_reach_the_provider_as_they_are(client: OpenAI, provider: ScriptedProvider) -> None:
    client.chat.completions.create(
        model="openai/gpt-4o",
        messages=HELLO,
        temperature=1.2,
        max_tokens=17,
        top_p=0.5,
        n=2,
        stop=["END"],
        presence_penalty=0.1,
        frequency_penalty=0.2,
        seed=7,
        response_format={"type": "json_object"},
        user="somebody",
        extra_body={"chat_template_kwargs": {"enable_thinking": False}},
    )
    assert provider.last.json() == {
        "model": "gpt-4o",
        "messages": HELLO,
        "temperature": 1.2,
        "max_tokens": 17,
        "top_p": 0.5,
        "n": 2,
        "stop": ["END"],
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "seed": 7,
        "response_format": {"type": "json_object"},
        "user": "somebody",
        "chat_template_kwargs": {"enable_thinking": False},
    }


def test_a_tool_is_called_and_its_result_is_sent_back(client: OpenAI, provider: ScriptedProvider) -> None:
    messages: list[Any] = [{"role": "user", "content": "What's the weather in Paris?"}]
    provider.then(Script(text="", tool_calls=(ToolCall("get_weather", '{"location": "Paris"}'),)))
    response = client.chat.completions.create(model="openai/gpt-4o", messages=messages, tools=[WEATHER])
    (tool_call,) = response.choices[0].message.tool_calls or []
    assert tool_call.type == "function"
    assert json.loads(tool_call.function.arguments) == {"location": "Paris"}
    messages.append(response.choices[0].message)
    messages.append({"role": "tool", "tool_call_id": tool_call.id, "content": "18 degrees"})
    final = client.chat.completions.create(model="openai/gpt-4o", messages=messages, tools=[WEATHER])
    assert final.choices[0].message.content == ANSWER
    sent = provider.last.json()["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[2] == {"role": "tool", "tool_call_id": tool_call.id, "content": "18 degrees"}


def test_a_streamed_tool_call(client: OpenAI, provider: ScriptedProvider) -> None:
    provider.then(Script(text="", tool_calls=(ToolCall("get_weather", '{"location": "Paris"}'),)))
    with client.chat.completions.stream(model="openai/gpt-4o", messages=HELLO, tools=[WEATHER]) as stream:
        (call,) = stream.get_final_completion().choices[0].message.tool_calls or []
    assert call.function.arguments == '{"location": "Paris"}'


def test_usage_in_a_stream_is_sent_where_it_is_asked_for(client: OpenAI) -> None:
    options: Any = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(model="openai/gpt-4o", messages=HELLO, stream=True, stream_options=options)
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    plain = list(client.chat.completions.create(model="openai/gpt-4o", messages=HELLO, stream=True))
    assert all(chunk.choices for chunk in plain)


def test_images_stay_what_they_are(client: OpenAI, provider: ScriptedProvider) -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ]
    messages: list[Any] = [{"role": "user", "content": parts}]
    client.chat.completions.create(model="openai/gpt-4o", messages=messages)
    assert provider.last.json()["messages"][0]["content"][:2] == parts


def test_a_conversation_object_keeps_its_history(client: OpenAI, provider: ScriptedProvider) -> None:
    messages: list[Any] = [{"role": "system", "content": "You are a helpful assistant."}]
    for text in ("My name is Alice", "What is my name?"):
        messages.append({"role": "user", "content": text})
        reply = client.chat.completions.create(model="openai/gpt-4o", messages=messages)
        messages.append({"role": "assistant", "content": reply.choices[0].message.content})
    sent = [message["content"] for message in provider.last.json()["messages"]]
    assert [text.split("\n")[0] for text in sent] == [message["content"] for message in messages[:-1]]


def test_legacy_completions(client: OpenAI) -> None:
    reply = client.completions.create(model="openai/gpt-3.5-turbo-instruct", prompt="Say hello")
    assert reply.choices[0].text == ANSWER


def test_responses_continue_by_their_id(client: OpenAI, provider: ScriptedProvider) -> None:
    first = client.responses.create(model="openai/gpt-4o", input="My name is Alice")
    client.responses.create(model="openai/gpt-4o", input="What is my name?", previous_response_id=first.id)
    assert provider.last.json()["previous_response_id"] == first.id


def test_files_and_sound_pass_byte_for_byte(client: OpenAI, provider: ScriptedProvider) -> None:
    uploaded = client.files.create(file=("notes.txt", b"\x00\xff notes"), purpose="user_data")
    assert uploaded.object == "file"
    assert b"\x00\xff notes" in provider.last.body
    speech = client.audio.speech.create(model="openai/tts-1", voice="alloy", input="Hi").read()
    assert len(speech) == 256 * 64
    assert provider.last.json()["model"] == "tts-1"


def test_without_a_provider_key_the_built_in_model_quotes_what_was_said(gateway: GatewayProcess, key: str) -> None:
    with OpenAI(base_url=gateway.base_url, api_key=key, max_retries=0) as client:
        told = [{"role": "user", "content": "My name is Alice and I love hiking"}]
        client.chat.completions.create(model="recollect/recall", messages=told, extra_headers={"X-Memory-Session": "a"})  # type: ignore[arg-type]
        asked: Any = [{"role": "user", "content": "What are my hobbies?"}]
        headers = {"X-Memory-Session": "b"}
        reply = client.chat.completions.create(model="recollect/recall", messages=asked, extra_headers=headers)
        assert "love hiking" in (reply.choices[0].message.content or "")
        stream = client.chat.completions.create(
            model="recollect/recall", messages=asked, stream=True, extra_headers=headers
        )
        assert "love hiking" in "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        response = client.responses.create(
            model="recollect/recall", input="What are my hobbies?", extra_headers=headers
        )
        assert "love hiking" in response.output_text


def test_operations(gateway: GatewayProcess) -> None:
    assert httpx.get(f"{gateway.url}/healthz").status_code == 200
    assert httpx.get(f"{gateway.url}/readyz").json()["embedder"] not in {"", "none"}
    assert "recollect" in httpx.get(f"{gateway.url}/metrics").text
    assert httpx.get(f"{gateway.url}/openapi.json").json()["openapi"].startswith("3.")
