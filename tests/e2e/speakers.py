"""The calls that people make today, one function each: text to the assistant in, the assistant's text out."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from openai import AsyncOpenAI, OpenAI

from tests.e2e.node_sdk import install, run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Access:
    """Where a client is pointed at, and what it sends with every call."""

    base_url: str
    api_key: str
    model: str
    default_headers: Mapping[str, str] = field(default_factory=dict)
    call_headers: Mapping[str, str] = field(default_factory=dict)

    def client(self) -> OpenAI:
        """The SDK, unmodified."""
        return OpenAI(
            base_url=self.base_url,
            api_key=self.api_key,
            default_headers=self.default_headers,
            max_retries=0,
            timeout=TIMEOUT_S,
        )

    def async_client(self) -> AsyncOpenAI:
        """The SDK, unmodified, awaited."""
        return AsyncOpenAI(
            base_url=self.base_url,
            api_key=self.api_key,
            default_headers=self.default_headers,
            max_retries=0,
            timeout=TIMEOUT_S,
        )


def messages_of(text: str) -> list[Any]:
    """As most pages show it."""
    return [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": text}]


def python_chat(access: Access, text: str) -> str:
    """``chat.completions.create``."""
    with access.client() as client:
        response = client.chat.completions.create(
            model=access.model, messages=[{"role": "user", "content": text}], extra_headers=access.call_headers
        )
    return response.choices[0].message.content or ""


def python_chat_raw(access: Access, text: str) -> str:
    """With the raw response, for its headers."""
    with access.client() as client:
        raw = client.chat.completions.with_raw_response.create(
            model=access.model, messages=messages_of(text), extra_headers=access.call_headers
        )
    assert raw.headers.get("X-Memory-Request-Id")
    if any(name.lower().startswith("x-recallr") for name in access.default_headers):
        assert raw.headers.get("X-Recallr-Session-Id")
        assert raw.headers.get("X-Recallr-Request-Id")
        assert raw.headers.get("X-Recallr-User-Id") == access.call_headers["X-Recallr-User-Id"]
        assert float(raw.headers["X-Recallr-Process-Time"]) >= 0
    return raw.parse().choices[0].message.content or ""


def python_chat_stream(access: Access, text: str) -> str:
    """``stream=True``."""
    with access.client() as client:
        stream = client.chat.completions.create(
            model=access.model, messages=messages_of(text), stream=True, extra_headers=access.call_headers
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def python_responses(access: Access, text: str) -> str:
    """``responses.create``."""
    with access.client() as client:
        response = client.responses.create(
            model=access.model, input=text, max_output_tokens=150, extra_headers=access.call_headers
        )
    return response.output[0].content[0].text


def python_responses_stream(access: Access, text: str) -> str:
    """``responses.create`` with ``stream=True``."""
    with access.client() as client:
        events = client.responses.create(model=access.model, input=text, stream=True, extra_headers=access.call_headers)
        return "".join(event.delta for event in events if event.type == "response.output_text.delta")


async def async_chat(client: AsyncOpenAI, access: Access, text: str) -> str:
    """``await chat.completions.create``."""
    response = await client.chat.completions.create(
        model=access.model, messages=messages_of(text), extra_headers=access.call_headers
    )
    return response.choices[0].message.content or ""


async def async_chat_stream(client: AsyncOpenAI, access: Access, text: str) -> str:
    """``async for chunk in``."""
    stream = await client.chat.completions.create(
        model=access.model, messages=messages_of(text), stream=True, extra_headers=access.call_headers
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


async def async_responses(client: AsyncOpenAI, access: Access, text: str) -> str:
    """``await responses.create``, with items for input and the instructions apart."""
    response = await client.responses.create(
        model=access.model,
        instructions="You are a helpful assistant.",
        input=[{"role": "user", "content": [{"type": "input_text", "text": text}]}],
        extra_headers=access.call_headers,
    )
    return response.output_text


async def async_responses_stream(client: AsyncOpenAI, access: Access, text: str) -> str:
    """``async for event in``."""
    events = await client.responses.create(
        model=access.model, input=text, stream=True, extra_headers=access.call_headers
    )
    return "".join([event.delta async for event in events if event.type == "response.output_text.delta"])


def awaited(call: Callable[[AsyncOpenAI, Access, str], Coroutine[Any, Any, str]]) -> Callable[[Access, str], str]:
    """An asynchronous call as a speaker."""

    async def run(access: Access, text: str) -> str:
        async with access.async_client() as client:
            return await call(client, access, text)

    return lambda access, text: asyncio.run(run(access, text))


def node(surface: str) -> Callable[[Access, str], str]:
    """One of the Node SDK's calls as a speaker."""

    def speak(access: Access, text: str) -> str:
        environment = {
            "BASE_URL": access.base_url,
            "API_KEY": access.api_key,
            "HEADERS": json.dumps(dict(access.default_headers)),
            "CALL_HEADERS": json.dumps(dict(access.call_headers)),
            "SURFACE": surface,
            "MODEL": access.model,
            "TEXT": text,
        }
        return run_script(install(), "snippets.mjs", environment)

    return speak


def curl_chat(access: Access, text: str) -> str:
    """``curl -X POST …/chat/completions``."""
    body = {"model": access.model, "messages": [{"role": "user", "content": text}]}
    return str(json.loads(curl(access, "chat/completions", body))["choices"][0]["message"]["content"])


def curl_responses(access: Access, text: str) -> str:
    """``curl -X POST …/responses``."""
    reply = json.loads(curl(access, "responses", {"model": access.model, "input": text}))
    return str(reply["output"][0]["content"][0]["text"])


def curl_chat_stream(access: Access, text: str) -> str:
    """``curl -N``: the events as they stand on the wire, up to ``[DONE]``."""
    body = {"model": access.model, "messages": messages_of(text), "stream": True}
    events = [line[6:] for line in curl(access, "chat/completions", body).splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(event)["choices"] for event in events[:-1]]
    return "".join(choices[0]["delta"].get("content") or "" for choices in deltas if choices)


def curl(access: Access, path: str, body: object) -> str:
    """What curl prints; on a machine without it, the same request by Python's own means."""
    url, data = f"{access.base_url}/{path}", json.dumps(body)
    headers = {"Authorization": f"Bearer {access.api_key}", "Content-Type": "application/json"}
    headers |= {**access.default_headers, **access.call_headers}
    program = shutil.which("curl")
    if program is None:
        request = urllib.request.Request(url, data.encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
            return str(reply.read().decode())
    arguments = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = [
        program,
        "-sS",
        "-N",
        "--noproxy",
        "*",
        "--max-time",
        str(TIMEOUT_S),
        "-X",
        "POST",
        url,
        *arguments,
        "-d",
        data,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


SPEAKERS: dict[str, Callable[[Access, str], str]] = {
    "python chat": python_chat,
    "python chat raw": python_chat_raw,
    "python chat stream": python_chat_stream,
    "python responses": python_responses,
    "python responses stream": python_responses_stream,
    "python async chat": awaited(async_chat),
    "python async chat stream": awaited(async_chat_stream),
    "python async responses": awaited(async_responses),
    "python async responses stream": awaited(async_responses_stream),
    "node chat": node("chat"),
    "node chat stream": node("chat-stream"),
    "node responses": node("responses"),
    "node responses stream": node("responses-stream"),
    "curl chat": curl_chat,
    "curl chat stream": curl_chat_stream,
    "curl responses": curl_responses,
}
